"""Where and how the backend computes: devices, machines, compiled functions, determinism."""

"""What can be done to patches `[N, h, w, C]`, each with a strength of its own `[N]`: pure functions."""

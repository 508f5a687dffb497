"""One page about a run: what came of it, and with how few labels."""

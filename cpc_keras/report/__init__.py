"""One page about a run: what was learnt, and with how few labels."""

"""The folder of a run: what lies where, and the checkpoints in it."""

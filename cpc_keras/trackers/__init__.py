"""Experiment trackers, told of a run beside its folder: a file each, whose package is imported on demand."""

"""TFDS builders over data that is already on the machine."""

"""Random numbers by counter: the same for the same patch, wherever and in whatever order it is computed."""

import math
import zlib

from keras import ops

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_BITS = 24  # what a float32 holds exactly


def threefry_2x32(key, counter):
    """Scrambles a two-word counter under a two-word key: 64 random bits.

    Args:
        key: Two uint32 tensors, or numbers, that broadcast with `counter`.
        counter: Two uint32 tensors.

    Returns:
        Two uint32 tensors.

    Reference:
        Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"
        (Threefry-2x32 with 20 rounds, as JAX uses it).

    Example:

    >>> low, high = threefry_2x32((0, 0), (0, 0))
    >>> hex(int(low)), hex(int(high))
    ('0x6b200159', '0x99ba4efe')
    """
    first, second = (_uint32(word) for word in key)
    third = ops.bitwise_xor(ops.bitwise_xor(first, second), _uint32(_PARITY))
    x, y = _uint32(counter[0]) + first, _uint32(counter[1]) + second
    blank = ops.zeros_like(x + y)

    def four_rounds(group, state):
        x, y, keys, rotations, others = state
        for rotation in rotations:
            x = x + y
            y = ops.bitwise_or(ops.left_shift(y, rotation), ops.right_shift(y, _uint32(32) - rotation))
            y = ops.bitwise_xor(x, y)
        x = x + keys[1]
        y = y + keys[2] + ops.cast(group + 1, "uint32")
        return x, y, (*keys[1:], keys[0]), others, rotations

    # A loop that stays one: written out, XLA computes all rounds anew for every pixel that uses a
    # number, and takes minutes to compile a long chain of changes.
    rotations = [tuple(_uint32(rotation) for rotation in group) for group in _ROTATIONS]
    state = (x + blank, y + blank, (first, second, third), *rotations)
    x, y, *_ = ops.fori_loop(0, 5, four_rounds, state)
    return x, y


class PatchDraws:
    """What each patch of a batch draws, by name.

    A number is a pure function of seed, step, name, the image's place in the
    global batch, the patch's place in the grid, and the number's place in the
    draw. So it does not change when another draw is added, when the batch is
    split over devices, or between eager execution, graphs, XLA and `tf.data`.

    Args:
        seed: Whole number.
        step: Whole number or integer scalar tensor.
        images: Images in the batch at hand.
        rows: Rows of the patch grid.
        cols: Columns of the patch grid.
        replica_offset: Place of the first of these images in the global batch.

    Example:

    >>> import numpy as np
    >>> whole = PatchDraws(seed=1, step=0, images=4, rows=2, cols=2).uniform("flip", 0.0, 1.0)
    >>> half = PatchDraws(seed=1, step=0, images=2, rows=2, cols=2, replica_offset=2).uniform("flip", 0.0, 1.0)
    >>> bool((np.asarray(whole)[8:] == np.asarray(half)).all())
    True
    """

    def __init__(self, seed, step, images, rows, cols, replica_offset=0):
        self.seed = seed
        self.step = step
        grid = rows * cols
        self.patches = ops.arange(images * grid, dtype="int32") + ops.cast(replica_offset, "int32") * grid

    def uniform(self, name, low, high, shape=()):
        """Float32 `[B · rows · cols, *shape]`, evenly spread over `[low, high)`."""
        stream = threefry_2x32((self.seed & 0xFFFFFFFF, zlib.crc32(name.encode())), (self.step, 0))
        count = math.prod(shape)
        patch = ops.repeat(self.patches[:, None], count, axis=1)
        bits, _ = threefry_2x32(stream, (patch, ops.arange(count, dtype="int32")[None]))
        unit = ops.cast(ops.cast(ops.right_shift(bits, _uint32(32 - _BITS)), "int32"), "float32") * 2.0**-_BITS
        return ops.reshape(low + (high - low) * unit, (-1, *shape))

    def happens(self, name, probability):
        """Boolean `[B · rows · cols]`, true with `probability`."""
        return self.uniform(name, 0.0, 1.0) < probability

    def integer(self, name, count):
        """Int32 `[B · rows · cols]` in `[0, count)`."""
        return ops.cast(self.uniform(name, 0.0, float(count)), "int32")


def _uint32(value):
    return ops.cast(value, "uint32") if hasattr(value, "dtype") else ops.convert_to_tensor(value, dtype="uint32")

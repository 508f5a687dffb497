"""Images are made ready: decoded once, converted, and kept in memory where they fit."""

import dataclasses

import numpy as np

from cpc_keras.backend.resources import free_memory
from cpc_keras.data.bad_files import BadFile, check_bad_share, plain_reason
from cpc_keras.data.resize import convert, resized_sizes
from cpc_keras.data.threads import map_in_pieces
from cpc_keras.progress import NoProgress

# Share of the free memory that decoded images may take; the rest of the time
# they are decoded anew.
_CACHE_SHARE = 0.25
# Images that a thread decodes in a row.
_PIECE = 16
# By which an image is enlarged at most.
_LARGEST_FACTOR = 4


def prepare(images, channels, short_side=None, max_bad_share=0.1, progress=None):
    """Decodes every image once, converts and resizes it, and keeps what fits.

    Images that cannot be decoded are left out and listed in `bad_files`. The
    decoded images stay in memory if they take at most a quarter of what is
    free; otherwise they are decoded again when asked for, and so are they if
    memory runs out after all. A verified set is decoded when it is asked for.

    Args:
        images: An `ImageSet`.
        channels: 1 or 3: what every image is converted to.
        short_side: Length in pixels to which the shorter side is resized;
            `None` leaves sizes as they are.
        max_bad_share: Largest share of bad files that is put up with.
        progress: Hears how far it is, as `cpc_keras.progress.NoProgress`.

    Returns:
        An `ImageSet` of the good images.

    Raises:
        InputError: If more than `max_bad_share` of the files are bad, or all.
    """
    sizes = resized_sizes(images.sizes, channels, short_side)
    cached = sizes.prod(axis=1).sum() <= _CACHE_SHARE * free_memory()

    def load(position):
        return convert(images.read(position), channels, short_side)

    if images.verified:
        return dataclasses.replace(images, sizes=sizes, read=_Kept(load, len(images)) if cached else load)

    store, shapes, reasons, again = {}, {}, {}, []

    def attempt(position):
        try:
            array = load(position)
        except (OSError, ValueError, MemoryError) as error:
            return position, None, error
        return position, array if cached else array.shape, None

    def settle(position, result, error):
        if error is not None:
            reasons[position] = plain_reason(error)
        else:
            shapes[position] = getattr(result, "shape", result)
            if cached:
                store[position] = result

    progress = progress or NoProgress()
    progress.start("Decoding images", len(images))
    for position, result, error in map_in_pieces(attempt, len(images), _PIECE):
        progress.advance()
        if lacks_memory(error):
            cached = False
            store.clear()
            again.append(position)
        else:
            settle(position, result, error)
    for position in again:  # one at a time, and nothing is kept: what fails now is too large by itself
        settle(*attempt(position))
    good = sorted(shapes)
    bad = [*images.bad_files, *(BadFile(images.ids[position], reasons[position]) for position in sorted(reasons))]
    check_bad_share(images.name, len(good), bad, max_bad_share)
    if images.confirm:
        images.confirm(np.array(good))
    kept = images.subset(good)
    kept.bad_files = bad
    kept.sizes = np.array([shapes[position] for position in good])
    kept.read = (lambda i: store[good[i]]) if cached else (lambda i: load(good[i]))
    return kept


class _Kept:
    """Keeps what a function of a position has given."""

    def __init__(self, load, count):
        self.load, self.store = load, [None] * count

    def __call__(self, position):
        if self.store[position] is None:
            self.store[position] = self.load(position)
        return self.store[position]


def without_tiny(images, side, max_bad_share=0.1):
    """Images but for those that would have to be blown up more than fourfold, which are bad files.

    Args:
        images: An `ImageSet`.
        side: Pixels that the shorter side is to have, of a crop say.
        max_bad_share: Largest share of bad files that is put up with.

    Raises:
        InputError: If more than `max_bad_share` of the files are bad, or all.
    """
    tiny = np.flatnonzero(is_tiny(images.sizes.T, side))
    if not len(tiny):
        return images
    bad = [
        BadFile(images.ids[position], f"has {height} × {width} px, far below the {side} px that are needed")
        for position in tiny
        for height, width, _ in [images.sizes[position]]
    ]
    kept = images.subset(np.setdiff1d(np.arange(len(images)), tiny))
    kept.bad_files = images.bad_files + bad
    check_bad_share(images.name, len(kept), kept.bad_files, max_bad_share)
    return kept


def is_tiny(size, side):
    """Whether an image would have to be enlarged more than fourfold.

    Args:
        size: `(height, width, …)`, numbers or arrays of them.
        side: Pixels that the shorter side is to have.

    Example:

    >>> bool(is_tiny((1, 4000, 3), 28)), bool(is_tiny((20, 30, 3), 28))
    (True, False)
    """
    return _LARGEST_FACTOR * np.minimum(size[0], size[1]) < side


def lacks_memory(error):
    """Whether an image could not be read for want of memory; Pillow's decoders have a code for that.

    Example:

    >>> lacks_memory(MemoryError()), lacks_memory(OSError("out of memory when reading image file"))
    (True, True)
    >>> lacks_memory(OSError("broken data stream when reading image file"))
    False
    """
    return isinstance(error, MemoryError) or "out of memory" in str(error)

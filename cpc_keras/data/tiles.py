"""Large images cut into tiles."""

import dataclasses
import functools

import numpy as np

from cpc_keras.errors import InputError

# Whole images that are kept decoded, one for each thread that may read.
_DECODED = 4


def tile_starts(length, side, overlap):
    """Where tiles begin along a side: as few as cover it, evenly, overlapping by `overlap` at least.

    Example:

    >>> tile_starts(1000, 400, 100)
    [0, 300, 600]
    >>> tile_starts(300, 400, 100)
    [0]
    """
    if length <= side:
        return [0]
    count = -(-(length - overlap) // (side - overlap))
    return [round(index * (length - side) / (count - 1)) for index in range(count)]


def tile_images(images, side, overlap=0):
    """Cuts images into overlapping square tiles.

    Args:
        images: An `ImageSet`.
        side: Side of a tile in pixels; smaller images stay whole.
        overlap: Pixels that neighbours have in common, at least.

    Returns:
        `(tiles, image, corner)`: an `ImageSet` without labels; for each tile the
        position of its image, int64 `[T]`; its left and upper edge there, `[T, 2]`.

    Raises:
        InputError: If the overlap is not smaller than the side.
    """
    if not 0 <= overlap < side:
        raise InputError(f"`tile_overlap` must lie in [0, tile). Received: tile_overlap={overlap}, tile={side}")
    places = [
        (position, left, top)
        for position, (height, width, _) in enumerate(images.sizes)
        for top in tile_starts(int(height), side, overlap)
        for left in tile_starts(int(width), side, overlap)
    ]
    table = np.array(places, dtype="int64").reshape(-1, 3)
    sizes = np.array(images.sizes)[table[:, 0]]
    sizes[:, :2] = np.minimum(sizes[:, :2], side)
    decoded = functools.lru_cache(_DECODED)(images.read)  # its tiles are asked for one after the other

    def read(index):
        position, left, top = places[index]
        return decoded(position)[top : top + side, left : left + side]

    tiles = dataclasses.replace(
        images,
        ids=[f"{images.ids[position]} at {left}, {top}" for position, left, top in places],
        read=read,
        sizes=sizes,
        labels=None,
        class_names=None,
        # A tile decodes where its whole image does.
        confirm=(lambda decoded: images.confirm(np.unique(table[decoded, 0]))) if images.confirm else None,
    )
    return tiles, table[:, 0], table[:, 1:]

"""Large images with boxes, cut into tiles."""

import dataclasses

import numpy as np

from cpc_keras.data.tiles import tile_images
from cpc_keras.detection.data.boxed_images import BoxedImages
from cpc_keras.detection.data.boxes import areas


@dataclasses.dataclass
class Tiles:
    """Tiles of images, with boxes.

    Attributes:
        boxed: The tiles, a `BoxedImages`.
        image: For each tile the position of its image, int64 `[T]`.
        corner: Its left and upper edge there, int64 `[T, 2]`.
    """

    boxed: BoxedImages
    image: np.ndarray
    corner: np.ndarray


def cut_tiles(boxed, side, overlap, least=0.5):
    """Cuts images with boxes into tiles.

    Args:
        boxed: A `BoxedImages`.
        side: Side of a tile in pixels; smaller images stay whole.
        overlap: Pixels that neighbours have in common, at least.
        least: Share of a box's area that must lie on a tile; of a smaller one
            another tile shows more, if `overlap` is as large as a box.

    Returns:
        A `Tiles`.

    Raises:
        InputError: If the overlap is not smaller than the side.
    """
    tiles, image, corner = tile_images(boxed.images, side, overlap)
    boxes = []
    for position, (left, top), (height, width, _) in zip(image, corner, tiles.sizes, strict=True):
        found = boxed.boxes[position]
        shifted = found.boxes - np.array([left, top, left, top], "float32")
        clipped = np.clip(shifted, 0.0, np.array([width, height, width, height], "float32"))
        boxes.append(found.moved(clipped).of(areas(clipped) >= least * areas(shifted)))
    return Tiles(dataclasses.replace(boxed, images=tiles, boxes=boxes), image, corner)

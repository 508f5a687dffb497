"""Images that are resized, mirrored and turned with their boxes."""

import numpy as np

from cpc_keras.data.image_set import convert


def short_side_of(size, short_side=None, max_side=None):
    """How long the short side of an image becomes.

    Args:
        size: Height and width in pixels, whatever else may follow.
        short_side: Pixels, or `None` for its own.
        max_side: Pixels that the long side is held to, or `None`.

    Example:

    >>> short_side_of((375, 500), 600), short_side_of((375, 1000), 600, max_side=1000)
    (600, 375)
    """
    shorter, longer = sorted(size[:2])
    short = shorter if short_side is None else short_side
    return short if max_side is None else min(short, max(1, int(max_side * shorter / longer)))


def resized(image, short_side, max_side=None):
    """An image whose short side is `short_side` pixels, or less if the long one would exceed `max_side`.

    Args:
        image: Array `[H, W, C]`, uint8 or uint16.
        short_side: Pixels, or `None` for its own.
        max_side: Pixels, or `None`.

    Returns:
        `(image, scale)`: what boxes are to be multiplied by is a float32 array `[4]`.

    Example:

    >>> image, scale = resized(np.zeros((50, 100, 3), "uint8"), 60, max_side=100)
    >>> image.shape, scale.tolist()
    ((50, 100, 3), [1.0, 1.0, 1.0, 1.0])
    """
    before = image.shape
    image = convert(image, image.shape[2], short_side_of(before, short_side, max_side))
    height, width = (image.shape[axis] / before[axis] for axis in (0, 1))
    return image, np.array([width, height, width, height], "float32")


def mirrored(image, boxes):
    """An image and its boxes, left to right.

    Example:

    >>> mirrored(np.zeros((5, 10, 1)), np.array([[1.0, 2.0, 4.0, 5.0]]))[1].tolist()
    [[6.0, 2.0, 9.0, 5.0]]
    """
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    width = image.shape[1]
    return np.ascontiguousarray(image[:, ::-1]), np.stack([width - right, top, width - left, bottom], axis=-1)


def quarter_turned(image, boxes):
    """An image and its boxes, turned counterclockwise by a right angle.

    Example:

    >>> quarter_turned(np.zeros((5, 10, 1)), np.array([[1.0, 2.0, 4.0, 5.0]]))[1].tolist()
    [[2.0, 6.0, 5.0, 9.0]]
    """
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    width = image.shape[1]
    return np.ascontiguousarray(np.rot90(image)), np.stack([top, width - right, bottom, width - left], axis=-1)

"""Boxes of an annotation, put where they belong on the image as it is read."""

import numpy as np

from cpc_keras.data.images import read_orientation

# A side may be off by a pixel of rounding, or by this share.
_TOLERANCE = 0.01


def place_boxes(boxes, stated, image, path):
    """Boxes in pixels of the image as it is read.

    An annotation states the size of what its boxes were drawn on. That may be the
    image before it is turned as its EXIF orientation says, or before it was
    resized; boxes are turned and scaled then.

    Args:
        boxes: `[M, 4]`, left, top, right and bottom edge in pixels.
        stated: `(width, height)` that the annotation states, or `None`.
        image: `(width, height)` of the image as it is read.
        path: Its file.

    Returns:
        `(boxes, how)`: float32 `[M, 4]`, and what was done to them, `"turned"`,
        `"scaled"`, both, or `""`.

    Raises:
        ValueError: If the sizes do not fit each other.
        OSError: If the file cannot be read.

    Example:

    >>> place_boxes([[0, 0, 10, 20]], (50, 40), (100, 80), None)
    (array([[ 0.,  0., 20., 40.]], dtype=float32), 'scaled')
    """
    boxes = np.asarray(boxes, "float32").reshape(-1, 4)
    if stated is None or stated == image:
        return boxes, ""
    if _alike(stated, image):
        return _scaled(boxes, stated, image), "scaled"
    if _alike(stated, image[::-1]):
        orientation = read_orientation(path)
        if orientation >= 5:
            turned = _turned(_scaled(boxes, stated, image[::-1]), orientation, image[::-1])
            return turned, "turned" if stated == image[::-1] else "turned and scaled"
    raise ValueError(
        f"is annotated as {stated[0]} × {stated[1]} px, and has {image[0]} × {image[1]}, so that boxes do not fit"
    )


def _alike(stated, image):
    """Whether one is the other, enlarged or shrunk."""
    across, down = (new / old for new, old in zip(image, stated, strict=True))
    slack = max(_TOLERANCE, 1 / min(*stated, *image))
    return abs(across / down - 1) <= slack


def _scaled(boxes, old, new):
    factors = np.array([new[0] / old[0], new[1] / old[1]] * 2, "float32")
    return boxes * factors


def _turned(boxes, orientation, size):
    """Boxes on pixels as they are stored, `size` of them, after these are turned; orientations 5 to 8."""
    width, height = size
    left, top, right, bottom = boxes.T
    sides = {
        5: (top, left, bottom, right),
        6: (height - bottom, left, height - top, right),
        7: (height - bottom, width - right, height - top, width - left),
        8: (top, width - right, bottom, width - left),
    }[orientation]
    return np.stack(sides, axis=1)

"""Boxes around the objects of an image."""

import dataclasses

import numpy as np

# Classes, in batches, of what fills up and of objects marked difficult.
FILLS_UP, DIFFICULT = -1, -2


@dataclasses.dataclass(frozen=True)
class Boxes:
    """The objects of an image.

    Attributes:
        boxes: Float32 array `[M, 4]`: left, top, right and bottom edge in pixels,
            0 being the image's left or upper edge.
        classes: Int64 array `[M]`.
        difficult: Boolean array `[M]`: objects that VOC's rules neither reward nor
            punish.
    """

    boxes: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray

    def __len__(self):
        return len(self.classes)

    def of(self, kept):
        """Some of them, by places or flags."""
        return Boxes(self.boxes[kept], self.classes[kept], self.difficult[kept])

    def moved(self, boxes):
        """The same objects elsewhere."""
        return dataclasses.replace(self, boxes=np.asarray(boxes, dtype="float32").reshape(-1, 4))


def make_boxes(boxes=(), classes=(), difficult=None):
    """`Boxes` from anything like arrays.

    Example:

    >>> len(make_boxes([[0, 0, 4, 4]], [2])), len(make_boxes())
    (1, 0)
    """
    classes = np.asarray(classes, dtype="int64").reshape(-1)
    return Boxes(
        np.asarray(boxes, dtype="float32").reshape(-1, 4),
        classes,
        np.zeros(len(classes), bool) if difficult is None else np.asarray(difficult, dtype=bool).reshape(-1),
    )


def areas(boxes):
    """Areas of boxes `[…, 4]`; 0 where right is not right of left, or bottom not below top."""
    sides = np.maximum(np.asarray(boxes)[..., 2:] - np.asarray(boxes)[..., :2], 0.0)
    return sides[..., 0] * sides[..., 1]

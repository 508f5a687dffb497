"""Anchors: the boxes that a region proposal network starts from."""

import math

import keras_hub
from keras import ops


def base_anchors(sizes, ratios):
    """Anchors around the origin, by `keras_hub.layers.AnchorGenerator`.

    Args:
        sizes: Sides in pixels of the square with an anchor's area.
        ratios: Heights over widths.

    Returns:
        Float32 tensor `[sizes · ratios, 4]` of left, top, right and bottom
        (`"xyxy"`), in whole pixels.

    Example:

    >>> import numpy as np
    >>> np.asarray(base_anchors((128,), (1.0,))).tolist()
    [[-64.0, -64.0, 64.0, 64.0]]
    """
    # Sizes of one generator grow by roots of two; these are free.
    generator = keras_hub.layers.AnchorGenerator("xyxy", 0, 0, 1, list(ratios), 1.0)
    return ops.concatenate([generator.generate_base_anchors([float(size)], list(ratios)) for size in sizes])


def lay_anchors(rows, cols, stride, anchors):
    """The same anchors around the middle of what each pixel of a map stands for.

    keras_hub's generator lays them out too, but only for sizes that are known when
    a graph is built, and around the corners of pixels.

    Args:
        rows: Rows of the map; may be a tensor.
        cols: Its columns.
        stride: Pixels of the image to one of the map.
        anchors: Tensor `[A, 4]` around the origin.

    Returns:
        Float32 tensor `[rows · cols · A, 4]`, row by row.

    Example:

    >>> import numpy as np
    >>> np.asarray(lay_anchors(1, 2, 16, base_anchors((8,), (1.0,)))).tolist()
    [[4.0, 4.0, 12.0, 12.0], [20.0, 4.0, 28.0, 12.0]]
    """
    y, x = ((ops.arange(count, dtype="float32") + 0.5) * stride for count in (rows, cols))
    down, across = ops.meshgrid(y, x, indexing="ij")
    centres = ops.stack([across, down, across, down], axis=-1)  # [rows, cols, 4]
    return ops.reshape(centres[:, :, None] + anchors, (-1, 4))


def sizes_for(boxes, count=3):
    """Anchor sizes that suit a set of boxes: quantiles of the roots of their areas.

    Args:
        boxes: Array `[N, 4]`, left, top, right and bottom in pixels.
        count: How many.

    Returns:
        Whole numbers, rising.

    Example:

    >>> import numpy as np
    >>> sizes_for(np.array([[0, 0, side, side] for side in (10, 20, 30, 40, 50)]), 3)
    (16, 30, 43)
    """
    import numpy as np

    boxes = np.asarray(boxes, dtype="float64")
    sides = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    shares = (np.arange(count) + 0.5) / count
    return tuple(sorted({max(2, math.floor(side)) for side in np.quantile(sides, shares)}))

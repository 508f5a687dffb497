"""Features of boxes, cut out of a map."""

from keras import ops


def roi_align(maps, boxes, stride, size=14, samples=2):
    """Features of each box as a small map of fixed size, by bilinear interpolation.

    A box is divided into `size × size` cells, and each cell is the mean over
    `samples × samples` points spread evenly in it. A pixel of the map stands for
    the middle of the `stride × stride` pixels of the image that it lies above;
    between those middles the map is interpolated, up to half a pixel beyond the
    outermost ones it goes on as it is, and from one pixel beyond on it is zero.

    Interpolation along rows and along columns are two products of matrices, so
    gradients are too, and shapes stay fixed for compilers.

    Args:
        maps: Float tensor `[B, h, w, C]`.
        boxes: Float tensor `[B, R, 4]`: left, top, right and bottom in pixels of
            the image (`"xyxy"`).
        stride: Pixels of the image to one of the map.
        size: Cells along a side, `S`.
        samples: Points along a side of a cell.

    Returns:
        Tensor `[B, R, S, S, C]` of the dtype of `maps`.

    Reference:
        He et al. 2017, arXiv 1703.06870, section 3 (RoIAlign).

    Example:

    >>> import numpy as np
    >>> maps = np.arange(16.0).reshape(1, 4, 4, 1)  # rows 0 to 3, 4 to 7, …
    >>> box = [[[8.0, 8.0, 24.0, 24.0]]]  # on the middle of the first pixel, to that of the next but one
    >>> np.asarray(roi_align(maps, np.array(box), stride=8, size=1))[0, 0, 0, 0].tolist()
    [7.5]
    """
    maps, boxes = ops.convert_to_tensor(maps), ops.cast(boxes, "float32")
    height, width = ops.shape(maps)[1:3]
    left, top, right, bottom = ops.unstack(boxes / stride, 4, axis=-1)  # [B, R]
    rows = ops.cast(_weights(top, bottom, height, size, samples), maps.dtype)
    cols = ops.cast(_weights(left, right, width, size, samples), maps.dtype)
    batch, regions = ops.shape(rows)[:2]
    channels = maps.shape[-1]
    across = ops.matmul(ops.reshape(rows, (batch, -1, height)), ops.reshape(maps, (batch, height, -1)))
    across = ops.reshape(across, (batch, regions, size, width, channels))
    return ops.matmul(cols[:, :, None], across)


def _weights(start, end, length, size, samples):
    """What each of `length` pixels in a row counts for each cell between two coordinates, `[B, R, S, length]`."""
    steps = (ops.arange(size * samples, dtype="float32") + 0.5) / (size * samples)
    points = (
        start[..., None] + (end - start)[..., None] * steps - 0.5
    )  # in pixels of the map, from the first one's middle
    length = ops.cast(length, "float32")
    inside = ops.logical_and(points >= -1.0, points <= length)
    points = ops.clip(points, 0.0, length - 1.0)
    pixels = ops.arange(length, dtype="float32")
    weights = ops.maximum(0.0, 1.0 - ops.abs(points[..., None] - pixels)) * ops.cast(inside, "float32")[..., None]
    shape = ops.shape(weights)
    return ops.mean(ops.reshape(weights, (*shape[:2], size, samples, shape[-1])), axis=3)

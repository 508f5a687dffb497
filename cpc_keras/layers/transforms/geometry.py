"""Moving pixels: affine maps, elastic deformation, flips, cut-outs and sub-crops."""

import numpy as np
from keras import ops


def sample(patches, rows, cols, fill=None):
    """Bilinear values of patches at any coordinates.

    Args:
        patches: Float tensor `[N, h, w, C]`.
        rows: Float tensor `[N, h', w']`, in pixels, 0 at the centre of the top row.
        cols: The same for columns.
        fill: Value outside the patch; `None` repeats the edge.

    Returns:
        Float tensor `[N, h', w', C]`.

    Keras' `affine_transform` does not compile under XLA with TensorFlow, and its
    `map_coordinates` gathers 16 times for patches instead of 4.

    Example:

    >>> patch = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    >>> float(sample(patch, np.full((1, 1, 1), 0.5), np.full((1, 1, 1), 0.5))[0, 0, 0, 0])
    1.5
    """
    _, height, width, _ = ops.shape(patches)
    rows, cols = ops.cast(rows, "float32"), ops.cast(cols, "float32")
    if fill is None:
        rows, cols = ops.clip(rows, 0.0, height - 1.0), ops.clip(cols, 0.0, width - 1.0)
    top, left = ops.floor(rows), ops.floor(cols)
    total = 0.0
    for down in (0.0, 1.0):
        for right in (0.0, 1.0):
            row, col = top + down, left + right
            weight = (1.0 - ops.abs(rows - row)) * (1.0 - ops.abs(cols - col))
            near_row, near_col = ops.clip(row, 0.0, height - 1.0), ops.clip(col, 0.0, width - 1.0)
            values = _pixels_at(patches, near_row, near_col)
            if fill is not None:
                inside = ops.logical_and(ops.equal(row, near_row), ops.equal(col, near_col))
                values = ops.where(inside[..., None], values, fill)
            total = total + weight[..., None] * values
    return total


def affine_matrix(shear_x=0.0, shear_y=0.0, translate_x=0.0, translate_y=0.0, rotate=0.0):
    """Where each output pixel comes from, measured from the patch's centre.

    Args:
        shear_x: Columns by which a row one lower is read further right, `[N]`.
        shear_y: Rows by which a column one further right is read lower, `[N]`.
        translate_x: Pixels by which everything is read further right, `[N]`.
        translate_y: Pixels by which everything is read lower, `[N]`.
        rotate: Degrees, counter-clockwise as seen, `[N]`.

    Returns:
        Float32 tensor `[N, 2, 3]` from `(x, y, 1)` to `(x, y)`.

    Example:

    >>> np.asarray(affine_matrix(shear_x=np.array([0.25], "float32"))).tolist()
    [[[1.0, 0.25, 0.0], [0.0, 1.0, 0.0]]]
    """
    angle = ops.multiply(rotate, np.pi / 180.0)
    cosine, sine = ops.cos(angle), ops.sin(angle)
    entries = (cosine, shear_x - sine, translate_x, shear_y + sine, cosine, translate_y)
    parts = [ops.convert_to_tensor(entry, dtype="float32") for entry in entries]
    blank = ops.zeros_like(sum(parts))  # [N], though some arguments are numbers
    return ops.reshape(ops.stack([part + blank for part in parts], axis=-1), (-1, 2, 3))


def warp(patches, matrices, fill=0.5):
    """Applies an affine map to each patch, about its centre.

    Args:
        patches: Float tensor `[N, h, w, C]`.
        matrices: `[N, 2, 3]`, see `affine_matrix`.
        fill: Value of what comes from outside the patch.

    Example:

    >>> patch = np.array([0.25, 0.5, 0.75], "float32").reshape(1, 1, 3, 1)
    >>> matrix = affine_matrix(translate_x=np.array([1.0], "float32"))
    >>> np.asarray(warp(patch, matrix, fill=0.0)).ravel().tolist()
    [0.5, 0.75, 0.0]
    """
    _, height, width, _ = ops.shape(patches)
    up = (height - 1) / 2 - np.arange(height, dtype="float32")[:, None]
    right = np.arange(width, dtype="float32")[None] - (width - 1) / 2
    matrices = matrices[:, :, None, None, :]

    def coordinates(axis, centre):
        # A difference, because TensorFlow's graphs add three terms in an order of their own.
        along_row = matrices[:, axis, ..., 0] * right + (matrices[:, axis, ..., 2] + centre)
        return along_row - matrices[:, axis, ..., 1] * up

    return sample(patches, coordinates(1, (height - 1) / 2), coordinates(0, (width - 1) / 2), fill)


def flip(patches):
    """Mirrors left to right.

    Example:

    >>> np.asarray(flip(np.arange(3.0).reshape(1, 1, 3, 1))).ravel().tolist()
    [2.0, 1.0, 0.0]
    """
    return ops.flip(patches, axis=2)


def cutout(patches, row, col, side, fill=0.5):
    """Fills a square.

    Args:
        patches: Float tensor `[N, h, w, C]`.
        row: Row of its centre, in pixels, `[N]`.
        col: Column of its centre, `[N]`.
        side: Its side in pixels, `[N]`.
        fill: Value inside.

    Example:

    >>> centre, side = np.array([1.5]), np.array([2.0])
    >>> float(np.asarray(cutout(np.zeros((1, 4, 4, 1)), centre, centre, side, fill=1.0)).sum())
    4.0
    """
    _, height, width, _ = ops.shape(patches)
    rows = ops.abs(np.arange(height, dtype="float32")[None, :, None, None] - row[:, None, None, None])
    cols = ops.abs(np.arange(width, dtype="float32")[None, None, :, None] - col[:, None, None, None])
    half = side[:, None, None, None] / 2.0
    return ops.where(ops.logical_and(rows < half, cols < half), fill, patches)


def crop_and_pad(patches, size, top, left):
    """Keeps a square and puts it back into the middle, zeros around it.

    Args:
        patches: Float tensor `[N, h, w, C]`.
        size: Side of the square in pixels.
        top: First row kept, int `[N]`.
        left: First column kept, int `[N]`.

    Reference:
        van den Oord et al. 2018, arXiv 1807.03748, section 3.2 (60 of 64 px).

    Example:

    >>> patch = np.arange(1.0, 5.0, dtype="float32").reshape(1, 1, 4, 1) * np.ones((1, 4, 1, 1), "float32")
    >>> np.asarray(crop_and_pad(patch, 2, np.array([0]), np.array([2])))[0, 1, :, 0].tolist()
    [0.0, 3.0, 4.0, 0.0]
    """
    _, height, width, _ = ops.shape(patches)
    before = (height - size) // 2, (width - size) // 2
    rows = ops.clip(np.arange(height)[None] - before[0] + top[:, None], 0, height - 1)
    cols = ops.clip(np.arange(width)[None] - before[1] + left[:, None], 0, width - 1)
    moved = _pixels_at(patches, rows[:, :, None], cols[:, None, :])
    inside = np.zeros((height, width, 1), "float32")
    inside[before[0] : before[0] + size, before[1] : before[1] + size] = 1.0
    return moved * inside


def _pixels_at(patches, rows, cols):
    """Whole pixels by index: much faster than `take_along_axis`, which moves each channel by itself."""
    count, height, width, channels = ops.shape(patches)
    first = ops.arange(count, dtype="int32")[:, None, None] * (height * width)
    place = first + ops.cast(rows, "int32") * width + ops.cast(cols, "int32")
    return ops.take(ops.reshape(patches, (-1, channels)), place, axis=0)

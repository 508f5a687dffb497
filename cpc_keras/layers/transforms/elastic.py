"""Smooth random deformation."""

import functools

import numpy as np
from keras import ops

from cpc_keras.layers.transforms.geometry import sample


def elastic(patches, control):
    """Moves pixels along a smooth field, given by a few control points a side.

    The field is the cubic B-spline of the control points, which is smooth and
    stays within them. Pixels from beyond the edge repeat it.

    Args:
        patches: Float tensor `[N, h, w, C]`.
        control: `[N, k, k, 2]`, displacements `(down, right)` in pixels.

    Returns:
        Float tensor `[N, h, w, C]`.

    Reference:
        Simard et al. 2003 (elastic distortions); De Fauw et al. 2018 (the same on
        a coarse grid of control points).

    Example:

    >>> patch = np.random.default_rng(0).uniform(size=(1, 8, 8, 1)).astype("float32")
    >>> bool(np.allclose(elastic(patch, np.zeros((1, 4, 4, 2), "float32")), patch, atol=1e-5))
    True
    """
    _, height, width, _ = ops.shape(patches)
    points = ops.shape(control)[1]
    down = spline_matrix(height, points)
    right = spline_matrix(width, points)
    field = ops.einsum("hi,nijc,wj->nhwc", down, control, right)
    rows = np.arange(height, dtype="float32")[:, None] + field[..., 0]
    cols = np.arange(width, dtype="float32")[None] + field[..., 1]
    return sample(patches, rows, cols)


@functools.lru_cache
def spline_matrix(size, points):
    """Weights `[size, points]` of a uniform cubic B-spline whose rows add up to 1.

    Args:
        size: Pixels, the first and the last of which lie on a control point.
        points: Control points.

    Example:

    >>> (spline_matrix(3, 3) * 6).round().tolist()[1]
    [1.0, 4.0, 1.0]
    """
    place = np.linspace(0.0, points - 1.0, size)[:, None] - np.arange(-1, points + 1)[None]
    distance = np.abs(place)
    near = (4.0 - 6.0 * distance**2 + 3.0 * distance**3) / 6.0
    far = (2.0 - distance) ** 3 / 6.0
    weights = np.where(distance < 1.0, near, np.where(distance < 2.0, far, 0.0))
    # The two control points beyond the ends repeat the outermost ones.
    inner = weights[:, 1:-1].copy()
    inner[:, 0] += weights[:, 0]
    inner[:, -1] += weights[:, -1]
    return inner.astype("float32")

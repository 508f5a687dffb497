"""Maps as vectors: means over areas, so that some of the layout survives, and moments, so that small things do."""

import keras
from keras import ops


def pool_grid(maps, cells):
    """Averages a map over `cells` × `cells` areas that cover it.

    Areas share a row or column where the map does not divide evenly.

    Args:
        maps: Float tensor `[B, h, w, D]`.
        cells: Areas a side.

    Returns:
        Float32 tensor `[B, cells · cells · D]`, areas in reading order.

    Example:

    >>> import numpy as np
    >>> maps = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    >>> np.asarray(pool_grid(maps, 2)).tolist()
    [[2.5, 4.5, 10.5, 12.5]]
    """
    maps = ops.cast(maps, "float32")
    height, width = ops.shape(maps)[1:3]
    rows, cols = (_areas(size, cells) for size in (height, width))
    pooled = [ops.mean(maps[:, a:b, c:d], axis=(1, 2)) for a, b in rows for c, d in cols]
    return ops.concatenate(pooled, axis=-1)


def pool_moments(maps):
    """Mean, standard deviation and maximum of each feature over a map.

    Args:
        maps: Float tensor `[B, h, w, D]`.

    Returns:
        Float32 tensor `[B, 3 · D]`: means, deviations, maxima.

    Example:

    >>> import numpy as np
    >>> maps = np.array([0.0, 2.0, 0.0, 2.0], "float32").reshape(1, 2, 2, 1)
    >>> np.asarray(pool_moments(maps)).tolist()
    [[1.0, 1.0, 2.0]]
    """
    maps = ops.cast(maps, "float32")
    over = {"axis": (1, 2)}
    return ops.concatenate([ops.mean(maps, **over), ops.std(maps, **over), ops.max(maps, **over)], axis=-1)


def _areas(size, cells):
    # Rounded up without a negative number, which a runtime other than TensorFlow may round towards zero.
    return [(i * size // cells, ((i + 1) * size + cells - 1) // cells) for i in range(cells)]


@keras.saving.register_keras_serializable(package="cpc_keras")
class GridPooling(keras.layers.Layer):
    """`pool_grid` as a layer.

    Args:
        cells: Areas a side.

    Input shape:
        `[B, h, w, D]` with known `h` and `w`.

    Output shape:
        `[B, cells · cells · D]`, in the compute dtype; means are taken in float32.

    Raises:
        ValueError: If `cells` is not positive.

    Example:

    >>> import numpy as np
    >>> tuple(GridPooling(3)(np.zeros((2, 7, 7, 8))).shape)
    (2, 72)
    """

    def __init__(self, cells, **kwargs):
        super().__init__(**kwargs)
        if cells < 1:
            raise ValueError(f"`cells` must be positive. Received: cells={cells}")
        self.cells = cells

    def call(self, maps):
        return ops.cast(pool_grid(maps, self.cells), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.cells * self.cells * input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "cells": self.cells}

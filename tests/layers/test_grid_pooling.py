import numpy as np
import pytest

from cpc_keras.layers import GridPooling
from cpc_keras.layers.grid_pooling import pool_grid


@pytest.mark.parametrize(("size", "areas"), [(5, [(0, 2), (1, 4), (3, 5)]), (6, [(0, 2), (2, 4), (4, 6)])])
def test_averages_areas_that_cover_the_map(size, areas):
    maps = np.random.default_rng(0).normal(size=(2, size, size, 4)).astype("float32")
    expected = [maps[:, a:b, c:d].mean(axis=(1, 2)) for a, b in areas for c, d in areas]
    np.testing.assert_allclose(pool_grid(maps, 3), np.concatenate(expected, axis=1), atol=1e-6)
    np.testing.assert_allclose(GridPooling(3)(maps), pool_grid(maps, 3))


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match="`cells` must be positive. Received: cells=0"):
        GridPooling(0)

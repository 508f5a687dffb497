import keras
import numpy as np
import pytest

from cpc_keras.layers import SpatialLayerNormalization


@pytest.fixture
def maps():
    return np.random.default_rng(0).normal(3.0, 2.0, (4, 5, 6, 8)).astype("float32")


def test_equals_its_formula(maps):
    layer = SpatialLayerNormalization(epsilon=1e-3)
    layer.build(maps.shape)
    gamma, beta = np.linspace(0.5, 2.0, 8), np.linspace(-1.0, 1.0, 8)
    layer.set_weights([gamma, beta])
    mean = maps.mean(axis=(1, 2, 3), keepdims=True)
    variance = maps.var(axis=(1, 2, 3), keepdims=True)
    expected = (maps - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(layer(maps), expected, atol=1e-5)


def test_equals_keras_group_normalization_with_one_group(maps):
    peer = keras.layers.GroupNormalization(groups=1, epsilon=1e-5)
    np.testing.assert_allclose(SpatialLayerNormalization(epsilon=1e-5)(maps), peer(maps), atol=1e-5)


def test_examples_do_not_touch_each_other(maps):
    layer = SpatialLayerNormalization()
    before = np.asarray(layer(maps))
    changed = maps.copy()
    changed[0] = 7.0 * changed[0] + 1.0
    np.testing.assert_array_equal(np.asarray(layer(changed))[1:], before[1:])


def test_statistics_stay_in_float32_under_bfloat16():
    # Values whose spread is lost where the mean is subtracted in bfloat16.
    maps = 1.0 + 2.0**-7 * np.random.default_rng(0).integers(0, 2, (2, 4, 4, 8)).astype("float32")
    narrow = SpatialLayerNormalization(dtype="mixed_bfloat16")(maps)
    wide = SpatialLayerNormalization()(maps)
    assert keras.backend.standardize_dtype(narrow.dtype) == "bfloat16"
    np.testing.assert_allclose(np.asarray(narrow, "float32"), wide, atol=0.02)


def test_constant_maps_give_the_offset():
    np.testing.assert_array_equal(SpatialLayerNormalization()(np.full((1, 2, 2, 3), 0.7)), np.zeros((1, 2, 2, 3)))

import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.backend.kernels import layer_norm
from cpc_keras.layers import SpatialLayerNormalization
from cpc_keras.layers import spatial_layer_normalization as layer_module


@pytest.fixture
def maps():
    """Maps of means and spreads of their own, one of them constant."""
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(6, 4, 5, 8)) * rng.uniform(0.01, 5.0, (6, 1, 1, 1)) + rng.normal(size=(6, 1, 1, 1)) * 3
    maps[3] = 0.7
    return maps.astype("float32")


def outputs_and_gradients(layer, maps, graph=False):
    upstream = tf.constant(np.random.default_rng(1).normal(size=maps.shape).astype("float32"))
    maps = tf.cast(maps, layer.compute_dtype)

    def run(maps):
        with tf.GradientTape() as tape:
            tape.watch(maps)
            total = tf.reduce_sum(tf.cast(layer(maps, training=True), tf.float32) * upstream)
            out = layer(maps, training=True)
        return out, *tape.gradient(total, [maps, layer.gamma.value, layer.beta.value])

    return [np.asarray(tf.cast(one, tf.float32)) for one in (tf.function(run) if graph else run)(maps)]


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_equals_the_plain_layer_and_its_gradients(monkeypatch, maps, dtype, graph):
    layer = SpatialLayerNormalization(dtype=dtype)
    layer.build(maps.shape)
    layer.set_weights([np.linspace(-0.5, 2.0, 8), np.linspace(-1.0, 1.0, 8)])
    plain = outputs_and_gradients(layer, maps)
    monkeypatch.setattr(layer_norm, "_LARGE", 1)
    fused = outputs_and_gradients(layer, maps, graph)
    for name, one, two in zip(("output", "maps", "gamma", "beta"), plain, fused, strict=True):
        bound = (1e-5 if dtype == "float32" else 1.5e-2) * np.abs(one).max()
        np.testing.assert_allclose(two, one, atol=bound, err_msg=name)


def test_taken_only_in_training_of_large_maps_of_a_known_size(monkeypatch):
    taken = []
    monkeypatch.setattr(layer_module, "fused_normalization", lambda maps, *rest: (taken.append(maps.shape), maps)[1])
    layer = SpatialLayerNormalization()
    layer(np.zeros((512, 8, 8, 16), "float32"))
    layer(np.zeros((2, 8, 8, 16), "float32"), training=True)
    assert taken == []
    layer(np.zeros((512, 8, 8, 16), "float32"), training=True)
    assert len(taken) == 1
    for shape, expected in (((None, 16, 16, 64), True), ((None, 4, 4, 8), False), ((512, None, None, 64), False)):
        assert layer_norm.worth_fusing(shape) == expected, shape


def test_statistics_stay_in_float32_under_bfloat16(monkeypatch):
    monkeypatch.setattr(layer_norm, "_LARGE", 1)
    maps = 1.0 + 2.0**-7 * np.random.default_rng(0).integers(0, 2, (2, 4, 4, 8)).astype("float32")
    narrow = SpatialLayerNormalization(dtype="mixed_bfloat16")(maps, training=True)
    assert keras.backend.standardize_dtype(narrow.dtype) == "bfloat16"
    np.testing.assert_allclose(np.asarray(narrow, "float32"), SpatialLayerNormalization()(maps), atol=0.02)

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.ops import nn_grad

from cpc_keras.backend.kernels import convolution
from cpc_keras.config.resolve import computes_in_bfloat16
from cpc_keras.layers.convolution import Convolution


def gradients(convolve, images, kernel, upstream):
    with tf.GradientTape() as tape:
        tape.watch((images, kernel))
        out = convolve(images, kernel)
        total = tf.reduce_sum(out * upstream)
    return out, *tape.gradient(total, (images, kernel))


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "padding"),
    [
        ((4, 4), (3, 3), 1, "same"),
        ((2, 6), (3, 3), 1, "same"),
        ((4, 4), (3, 3), 1, "valid"),
        ((5, 7), (3, 3), 1, "same"),
        ((6, 4), (3, 3), 2, "same"),
        ((5, 6), (1, 3), 1, "same"),
        ((5, 6), (2, 1), 1, "valid"),
        ((5, 6), (2, 2), 1, "same"),
        ((5, 6), (1, 1), 1, "valid"),
    ],
)
def test_gradients_are_those_of_tensorflow(side, kernel, stride, padding):
    """In float32, where both are exact up to the order of additions."""
    rng = np.random.default_rng(0)
    images, weights = (
        tf.constant(rng.normal(size=shape).astype("float32")) for shape in ((3, *side, 5), (*kernel, 5, 6))
    )
    upstream = tf.constant(
        rng.normal(size=tf.nn.conv2d(images, weights, stride, padding.upper()).shape).astype("float32")
    )
    peer = gradients(lambda x, w: tf.nn.conv2d(x, w, stride, padding.upper()), images, weights, upstream)
    ours = gradients(lambda x, w: convolution.convolve(x, w, (stride, stride), padding), images, weights, upstream)
    for name, one, two in zip(("output", "images", "kernel"), peer, ours, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    ("shape", "channels", "strides", "dtype", "taken"),
    [
        ((8, 4, 4), 256, 1, "bfloat16", True),
        ((8, 8, 8), 128, 2, "bfloat16", True),
        ((8, 4, 4), 256, 1, "float32", False),
        ((8, 8, 8), 128, 1, "bfloat16", False),
        ((8, 9, 9), 256, 2, "bfloat16", False),
        ((8, None, 4), 256, 1, "bfloat16", False),
    ],
)
def test_is_taken_for_small_maps_of_many_channels_in_bfloat16(shape, channels, strides, dtype, taken):
    inputs, kernel = (tf.TensorSpec(one, dtype) for one in ((*shape, channels), (3, 3, channels, channels)))
    assert convolution.pays(inputs, kernel, (strides, strides)) == taken


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("sides", "strides"), [((80, 65), 2), ((64, 66), 3), ((9, 12), (2, 1))])
def test_strided_points_in_few_channels_are_those_of_keras(monkeypatch, sides, strides, padding):
    """oneDNN corrupts memory in their gradient, so it must never be asked."""
    images = np.random.default_rng(0).normal(size=(2, *sides, 8)).astype("float32")
    arguments = {"strides": strides, "padding": padding}
    ours, peer = Convolution(12, 1, **arguments), keras.layers.Conv2D(12, 1, **arguments)
    peer(images), ours(images)
    ours.set_weights(peer.get_weights())
    np.testing.assert_allclose(ours(images), peer(images), atol=1e-5)
    assert ours.compute_output_shape(images.shape) == tuple(ours(images).shape)
    asked = []
    gradient = tf.raw_ops.Conv2DBackpropFilter
    monkeypatch.setattr(
        nn_grad.gen_nn_ops,
        "conv2d_backprop_filter",
        lambda *a, **k: (
            asked.append(k)
            or gradient(input=a[0], filter_sizes=a[1], out_backprop=a[2], strides=k["strides"], padding=k["padding"])
        ),
    )
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(ours(images)))
    found = tape.gradient(loss, ours.kernel.value)
    assert [call["strides"] for call in asked] == [[1, 1, 1, 1]]
    seen = images[:, :: ours.strides[0], :: ours.strides[1]].reshape(-1, 8).astype("float64")
    expected = 2 * seen.T @ np.asarray(ours(images), "float64").reshape(-1, 12)
    np.testing.assert_allclose(found[0, 0], expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("strides", [1, 2])
def test_the_layer_is_a_keras_convolution(strides):
    images = np.random.default_rng(0).normal(size=(2, 4, 4, 128)).astype("float32")
    arguments = {"strides": strides, "padding": "same", "use_bias": False, "dtype": "mixed_bfloat16"}
    ours, peer = Convolution(128, 3, **arguments), keras.layers.Conv2D(128, 3, **arguments)
    ours(images), peer(images)
    ours.set_weights(peer.get_weights())
    results = []
    for layer in (ours, peer):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(tf.cast(layer(images), tf.float32)))
        results.append(tape.gradient(loss, layer.kernel.value))
    # Processors without bfloat16 instructions round sums of products too, in blocks.
    bound = 0.01 if computes_in_bfloat16() else 0.02
    assert float(tf.norm(results[0] - results[1]) / tf.norm(results[1])) < bound
    assert Convolution.from_config(ours.get_config()).strides == (strides, strides)

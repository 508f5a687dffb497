import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.backend.kernels import split_batch
from cpc_keras.models import ResNet

PATCHES = np.random.default_rng(0).uniform(size=(9, 8, 8, 1)).astype("float32")


class Unknown(keras.layers.Layer):
    """A layer of the user's own, of which nothing is known."""

    def call(self, inputs):
        return inputs


def encoders():
    network = ResNet((4, 8), (1, 1), stem="small", input_shape=(8, 8, 1))
    return {
        "resnet": (network, 2),
        "nested": (keras.Sequential([keras.Input((8, 8, 1)), network, keras.layers.GlobalAveragePooling2D()]), 2),
        "batch norm": (ResNet((4,), (1,), stem="small", normalization="batch", input_shape=(8, 8, 1)), 1),
        "unknown": (keras.Sequential([keras.Input((8, 8, 1)), Unknown(), network]), 1),
        "regularized": (
            keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Dense(2, activity_regularizer="l2")]),
            1,
        ),
    }


@pytest.fixture
def joined(monkeypatch):
    """How many parts were put together, at each call."""
    calls, concatenate = [], keras.ops.concatenate
    monkeypatch.setattr(split_batch.ops, "concatenate", lambda parts: calls.append(len(parts)) or concatenate(parts))
    return calls


@pytest.mark.parametrize("name", ["resnet", "nested", "batch norm", "unknown", "regularized"])
@pytest.mark.parametrize("training", [True, False])
def test_says_and_learns_the_same_and_spares_what_looks_at_the_batch(monkeypatch, joined, name, training):
    monkeypatch.setattr(split_batch, "_LARGE", 1)
    encoder, parts = encoders()[name]

    def run(call):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(call()))
        return [loss, *tape.gradient(loss, encoder.trainable_weights)]

    whole = run(lambda: encoder(PATCHES, training=training))
    found = run(lambda: split_batch.encode(encoder, tf.constant(PATCHES), training))
    assert joined == ([2] if parts == 2 and training else [])
    for one, two in zip(found, whole, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-4)


def test_small_batches_and_those_of_an_open_size_stay_whole(monkeypatch, joined):
    encoder, _ = encoders()["resnet"]
    split_batch.encode(encoder, tf.constant(PATCHES), True)
    monkeypatch.setattr(split_batch, "_LARGE", 1)
    spec = [tf.TensorSpec((None, 8, 8, 1))]
    tf.function(lambda patches: split_batch.encode(encoder, patches, True), input_signature=spec)(PATCHES)
    assert joined == []

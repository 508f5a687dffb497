"""What users give `fit` by mistake, each told in one line before anything is computed."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.models.image_checks import check_training_images
from tests.conftest import build_small_cpc


@pytest.fixture(scope="module")
def model():
    model = build_small_cpc(channels=3)
    model.compile(optimizer="adam")
    return model


IMAGES = np.zeros((4, 28, 28, 3), "float32")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES[..., 0], r"`images` must be \[B, H, W, C\], grey ones .*Received: shape \(4, 28, 28\)"),
        (IMAGES[0], r"`images` must be \[B, H, W, C\]"),
        (IMAGES[..., :1], r"as many channels as the encoder takes, 3. Received: shape \(4, 28, 28, 1\)"),
        (np.repeat(IMAGES, 2, axis=-1)[..., :4], r"takes, 3. Received: shape \(4, 28, 28, 4\)"),
        (np.moveaxis(IMAGES, -1, 1), r"takes, 3. Received: shape \(4, 3, 28, 28\)"),
        (tf.data.Dataset.from_tensors(IMAGES[..., 0]), r"Received: shape \(4, 28, 28\)"),
        (tf.data.Dataset.from_tensors((IMAGES[..., :1], np.arange(4))), r"Received: shape \(4, 28, 28, 1\)"),
        (tf.data.Dataset.from_tensor_slices(IMAGES), r"Received: shape \(28, 28, 3\)"),
    ],
)
def test_shapes_are_refused_in_one_line(model, images, message):
    with pytest.raises(ValueError, match=message) as error:
        model.fit(images, verbose=0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("method", ["encode", "build"])
def test_so_they_are_outside_of_fit(model, method):
    with pytest.raises(ValueError, match="`images` must have as many channels as the encoder takes, 3"):
        model.encode(IMAGES[..., :1]) if method == "encode" else build_small_cpc(channels=3).build((None, 28, 28, 1))


@pytest.mark.parametrize(
    ("images", "received"),
    [
        (IMAGES + 200, "values from 200 to 200"),
        ((IMAGES + 200).astype("uint8"), "values from 200 to 200"),
        (2 * IMAGES - 1, "values from -1 to -1"),
        (IMAGES * np.nan, "values from nan to nan"),
        (tf.data.Dataset.from_tensors(IMAGES.astype("uint8")), "values of uint8"),
    ],
)
def test_values_out_of_range_are_warned_of(images, received):
    with pytest.warns(UserWarning, match=f"lie in .0, 1.: divide those of bytes by 255. Received: {received}$"):
        check_training_images(images, 3)


def test_others_pass_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for images in (IMAGES, IMAGES + 1.05, IMAGES[:0], tf.data.Dataset.from_tensors(IMAGES), iter([IMAGES]), None):
            check_training_images(images, 3)


@pytest.mark.parametrize("loaded", [False, True])
def test_xla_compiles_no_step_on_a_processor(loaded):
    """Compiling took a minute and a half, before a step that is slower."""
    model = build_small_cpc()
    model.compile(optimizer="adam")
    if loaded:
        model.build((None, 28, 28, 1))
        model = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    assert model.jit_compile is bool(tf.config.list_physical_devices("GPU"))

"""Commands compute as they must whatever users have set for Keras; where it matters in Python, one line says so."""

import os

import keras
import numpy as np
import pytest

from cpc_keras.backend.keras_settings import check_channels_last, check_tensorflow, settle_for_commands
from cpc_keras.models import ClassifierHead, ResNet
from tests.conftest import build_small_cpc


def test_commands_leave_out_what_users_have_set_and_say_so(monkeypatch):
    settings = {"KERAS_BACKEND": "jax", "KERAS_MAX_EPOCHS": "1", "KERAS_HOME": "/there", "KERAS_NNX_ENABLED": "1"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("KERAS_MAX_STEPS_PER_EPOCH", raising=False)
    assert settle_for_commands() == ["KERAS_BACKEND=jax", "KERAS_MAX_EPOCHS=1"]
    assert (os.environ["KERAS_BACKEND"], os.environ["KERAS_HOME"]) == ("tensorflow", os.devnull)
    assert settle_for_commands() == []


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def test_own_models_have_channels_last_whatever_is_set(channels_first, photo_crops):
    model = build_small_cpc(channels=3)
    images = np.repeat(photo_crops[:2], 3, axis=-1)
    assert tuple(model.encode(images).shape) == (2, 5, 5, 16)
    assert model(images, training=True)["down_2"].shape == (2, 3, 5, 8)
    for arguments in ({"include_top": True, "classes": 3}, {"pooling": "max"}):
        network = ResNet((8,), (1,), stem="large", input_shape=(None, None, 3), **arguments)
        assert network(images).shape == (2, network.output_shape[-1])
    assert ClassifierHead((7, 7, 8), 3, blocks=1, width=8, bottleneck=4)(np.zeros((2, 7, 7, 8))).shape == (2, 3)


def test_an_encoder_with_channels_first_is_refused(channels_first):
    encoder = keras.Sequential([keras.Input((1, 12, 12)), keras.layers.Conv2D(4, 3, name="first")])
    with pytest.raises(ValueError, match=r"^`encoder` must be built with .*channels_last.* Received: first with"):
        check_channels_last(encoder, "encoder")


def test_tensorflow_is_there():
    check_tensorflow("these tests")

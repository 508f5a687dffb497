import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras import export
from cpc_keras.errors import InputError


@pytest.fixture
def model(small_cpc, photo_crops):
    model = small_cpc()
    model(photo_crops)
    return model


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_litert_gives_the_same_at_any_size(model, photographs, tmp_path):
    path = export.convert(model, tmp_path / "encoder.tflite", "litert")
    interpreter = tf.lite.Interpreter(str(path))
    (place,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    for count, height, width in ((1, 28, 28), (2, 40, 33)):
        images = np.stack([picture[:height, :width, :1] / 255.0 for picture in photographs[:count]]).astype("float32")
        interpreter.resize_tensor_input(place["index"], images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(place["index"], images)
        interpreter.invoke()
        np.testing.assert_allclose(
            interpreter.get_tensor(answer["index"]), export.ImageFeatures(model)(images), atol=1e-5
        )


def test_says_what_is_wrong(model, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="`DEST` must end in .onnx for --format onnx. Received: .*out"):
        export.convert(model, tmp_path / "out", "onnx")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="`--format onnx` needs tf2onnx: pip install .* Received: no tf2onnx"):
        export.convert(model, tmp_path / "out.onnx", "onnx")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_a_network_of_its_own_goes_along_for_crops(model, photo_crops, tmp_path):
    images = keras.Input((28, 28, 1))
    maps = keras.models.clone_model(model.encoder)(images)
    network = keras.Model(images, keras.layers.Dense(3, "softmax")(keras.layers.GlobalAveragePooling2D()(maps)))
    head = export.NetworkHead(network, ("sky", "stone", "petal"))
    interpreter = tf.lite.Interpreter(str(export.convert(model, tmp_path / "whole.tflite", "litert", head)))
    (place,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(place["index"], photo_crops.shape)
    said = interpreter.get_signature_runner()(images=photo_crops)
    np.testing.assert_allclose(said["probabilities"], network(photo_crops), atol=1e-5)

import importlib.util

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

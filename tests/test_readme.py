"""What the README shows runs."""

import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

import cpc_keras
from cpc_keras.cli import app

README = pathlib.Path(__file__).parent.parent.joinpath("README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.mark.slow
def test_python_example(photo_crops, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (snippet,) = (one for one in SNIPPETS if "cpc_keras.CPC(" in one)
    names = {"images": np.concatenate([photo_crops, photo_crops[:4]]), "labels": np.arange(16) % 2}
    exec(snippet, names)
    assert names["grid"].shape == (8, 5, 5, 128)
    assert set(names["table"]["encoder"]) == {"cpc", "pixels"}
    assert tf.saved_model.contains_saved_model(str(tmp_path / "saved_models" / "mine"))


@pytest.mark.slow
def test_detection_example(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (snippet,) = (one for one in SNIPPETS if "FasterRCNN(" in one)
    names = {
        "backbone": cpc_keras.models.ResNet((16, 16), (1, 1), stem="medium", input_shape=(None, None, 1)),
        "pictures": np.random.default_rng(0).uniform(size=(2, 64, 64, 1)).astype("float32"),
        "boxes": np.array([[[8.0, 8.0, 30.0, 40.0]], [[20.0, 10.0, 50.0, 40.0]]]),
        "classes": np.array([[3], [-1]]),
        "class_names": list("abcdefghij"),
    }
    exec(snippet, names)
    assert names["found"]["boxes"].shape == (2, 100, 4)
    assert tf.saved_model.contains_saved_model(str(tmp_path / "saved_models" / "detector"))


@pytest.mark.slow
def test_tuning_example(photo_crops, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (snippet,) = (one for one in SNIPPETS if "LabelFractionHyperModel(" in one)
    assert len(snippet.strip().splitlines()) <= 10
    names = {
        "encoder": cpc_keras.models.ResNet((8, 16), (1, 1), stem="medium", input_shape=(None, None, 1)),
        "images": photo_crops,
        "labels": np.arange(12) % 2,
        "test_images": photo_crops[:3],
    }
    exec(snippet.replace("max_trials=30", "max_trials=2"), names)
    assert names["predicted"].shape == (3,)


def test_commands_exist():
    shown = set(re.findall(r"^cpc-keras (\w+)", README, re.M))
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert shown and shown <= known

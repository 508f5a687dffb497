"""What the README shows runs."""

import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.cli import app

README = pathlib.Path(__file__).parent.parent.joinpath("README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_python_example(photo_crops, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.S)
    names = {"images": np.concatenate([photo_crops, photo_crops[:4]]), "labels": np.arange(16) % 2}
    exec(snippet, names)
    assert names["grid"].shape == (8, 5, 5, 128)
    assert set(names["table"]["encoder"]) == {"cpc", "pixels"}
    assert tf.saved_model.contains_saved_model(str(tmp_path / "saved_models" / "mine"))


def test_commands_exist():
    shown = set(re.findall(r"^cpc-keras (\w+)", README, re.M))
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert shown and shown <= known

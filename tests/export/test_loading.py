"""`cpc_keras.load` of whatever the package has saved."""

import keras
import numpy as np
import pytest

import cpc_keras
from cpc_keras.config.files import recipe_from_fields
from cpc_keras.errors import InputError
from cpc_keras.optimizers import AveragedAdamW
from cpc_keras.runs.checkpoints import load_last_model, save_checkpoint
from cpc_keras.runs.folder import RunFolder
from tests.conftest import build_small_cpc


@pytest.fixture
def run(tmp_path):
    """A run's folder with a checkpoint whose averages are other numbers than its weights."""
    model = build_small_cpc()
    model.build((None, 28, 28, 1))
    model.compile(AveragedAdamW(0.1, average_decay=0.5))
    model.optimizer.build(model.trainable_weights)
    for weight in model.trainable_weights:
        weight.assign(weight + 1.0)
    folder = RunFolder(tmp_path / "run")
    recipe = recipe_from_fields({"steps": 1})
    folder.begin(recipe, recipe)
    save_checkpoint(model, folder, 1, keep=1)
    return folder


def test_a_run_is_its_last_checkpoint_with_averaged_weights(run):
    whole, file = cpc_keras.load(run.path), cpc_keras.load(str(run.checkpoint_file(1)))
    assert type(whole) is type(file) is cpc_keras.CPC
    averaged = load_last_model(run)[1].get_weights()
    for one, other in zip(whole.get_weights(), averaged, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.allclose(whole.trainable_weights[0], file.trainable_weights[0])


def test_what_is_no_file_of_this_kind_is_refused_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_text("")
    (tmp_path / "cut.keras").write_bytes(b"PK")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.json").write_text("{")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "model.json").write_text("{}")
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda one: one)]).save(tmp_path / "unsafe.keras")
    for name, message in {
        "nothing": "`path` must be a .keras file, or the folder of a run or an export. Received: .*nothing",
        ".": "`path` must be a .keras file, or the folder",
        "model.onnx": "`path` must be a .keras file, or the folder",
        "cut.keras": "`path` must be a whole .keras file. Received: .*cut.*File is not a zip file",
        "unsafe.keras": "`path` must be a .keras file that this Keras",
        "run": "`RUN` must have a",
        "export": "`MODEL` must be a folder that `cpc-keras export` wrote",
    }.items():
        with pytest.raises(InputError, match=message) as error:
            cpc_keras.load(tmp_path / name)
        assert "\n" not in str(error.value)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError, match=f"Received: {tmp_path}/nothing"):
        cpc_keras.load("~/nothing")

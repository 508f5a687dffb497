"""Whatever users have set around a command: in files, in the environment, by a terminal."""

import json
import os

import pytest

from tests.commands import RECIPE, cpc_keras


@pytest.fixture
def odd_settings(tmp_path):
    """An environment in which little is as usual, and nothing can be written beside the command's own folder."""
    (tmp_path / "keras").mkdir()
    settings = {"floatx": "float64", "epsilon": 0, "backend": "torch", "image_data_format": "channels_first"}
    (tmp_path / "keras" / "keras.json").write_text(json.dumps(settings))
    (tmp_path / "file").write_text("")
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "TMPDIR"), tmp_path / "file")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    return {
        **kept,
        **{name: str(path / "under it") for name, path in nowhere.items()},
        "KERAS_HOME": str(tmp_path / "keras"),
        "KERAS_BACKEND": "jax",
        "KERAS_NNX_ENABLED": "true",
        "KERAS_MAX_EPOCHS": "1",
        "KERAS_MAX_STEPS_PER_EPOCH": "one",
        "LC_ALL": "C",
        "COLUMNS": "40",
        "TERM": "dumb",
        "NO_COLOR": "1",
    }


@pytest.mark.slow
def test_commands_are_as_usual_in_whatever_surroundings(tmp_path, photo_folder, odd_settings):
    (tmp_path / "small.py").write_text(RECIPE)
    arguments = ("describe", "small.py", "--data", f"dir:{photo_folder}", "--no-measure")
    done = cpc_keras(*arguments, cwd=tmp_path, code=0, env=odd_settings, fresh=True)
    first, *others = [line for line in done.stdout.splitlines() if line != "Loading TensorFlow."]
    assert done.stderr == ""
    assert first == (
        "Note: commands compute with TensorFlow, all of their steps, in spite of KERAS_BACKEND=jax, "
        "KERAS_MAX_EPOCHS=1, KERAS_MAX_STEPS_PER_EPOCH=one."
    )
    assert any("patches" in line for line in others)

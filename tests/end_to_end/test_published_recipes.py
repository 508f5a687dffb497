"""The recipes that come along, two real steps each on photographs."""

import csv
import math

import keras
import numpy as np
import pytest

import cpc_keras.models
import cpc_keras.optimizers  # noqa: F401
from tests.commands import cpc_keras as command

# In place of 24 and 27 million weights; all else is as published. Shapes at full size are those of
# `test_describe.py`, and steps are taken by `make test-huge`.
NARROW = {"encoder": "'resnet'", "widths": "(16, 32)", "blocks": "(1, 1)", "context_blocks": 1, "context_width": 16}
RECIPES = [
    pytest.param("cifar10", 4, True, {}, marks=pytest.mark.slow),
    pytest.param("stl10", 4, False, {}, marks=pytest.mark.slow),
    pytest.param("imagenet_cpc_v2_resnet50", 2, False, NARROW, marks=pytest.mark.slow, id="resnet50-narrow"),
    pytest.param("imagenet_cpc_v1", 2, False, NARROW, marks=pytest.mark.slow, id="v1-narrow"),
    pytest.param("stl10", 4, True, {}, marks=pytest.mark.huge),
    pytest.param("imagenet_cpc_v2_resnet50", 2, True, {}, marks=pytest.mark.huge),
    pytest.param("imagenet_cpc_v1", 2, True, {}, marks=pytest.mark.huge),
    # 300 million weights: 5 GB a checkpoint, 15 GB of memory, minutes.
    pytest.param("imagenet_cpc_resnet170", 2, True, {}, marks=pytest.mark.huge),
    pytest.param("imagenet_cpc_v2_resnet161", 2, True, {}, marks=pytest.mark.huge),
]


@pytest.mark.parametrize(("recipe", "batch_size", "twice", "changes"), RECIPES)
def test_two_steps_on_photographs(recipe, batch_size, twice, changes, photo_folder, tmp_path):
    """At chance in the beginning, every weight moves, and (where it is tried) the second step can be taken again."""
    settings = {"batch_size": batch_size, "steps": 2, "checkpoint_every": 1, "keep_checkpoints": 2, **changes}
    arguments = ["pretrain", recipe, "--data", f"dir:{photo_folder}", "--run", "run"]
    for name, value in settings.items():
        arguments += ["--set", f"{name}={value}"]
    command(*arguments, cwd=tmp_path, code=0, timeout=None)
    with open(tmp_path / "run" / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [1, 2]
    assert all(math.isfinite(float(row["loss"])) for row in rows)
    assert float(rows[0]["loss"]) == pytest.approx(float(rows[0]["chance"]), rel=0.1)

    checkpoints = tmp_path / "run" / "checkpoints"
    before, after = (keras.models.load_model(checkpoints / f"step-0000000{step}.keras") for step in (0, 2))
    for old, new in zip(before.trainable_weights, after.trainable_weights, strict=True):
        assert not np.array_equal(old, new), old.path
    assert all(np.isfinite(weight).all() for weight in after.get_weights())
    del before
    if not twice:
        return

    (checkpoints / "step-00000002.keras").unlink()
    done = command(*arguments, cwd=tmp_path, code=0, timeout=None, fresh=True)  # at other addresses
    assert "Resumes after step 1 of 2" in done.stdout
    again = keras.models.load_model(checkpoints / "step-00000002.keras")
    for first, second in zip(after.weights, again.weights, strict=True):
        np.testing.assert_array_equal(first, second)

import dataclasses
import io
import json

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from rich.console import Console

from cpc_keras.backend import distribution
from cpc_keras.config.build import build_cpc
from cpc_keras.config.recipe import Recipe
from cpc_keras.errors import InputError
from cpc_keras.optimizers import WarmUp
from cpc_keras.pretraining import announce, callbacks, fit_to_time, prepare
from cpc_keras.pretraining import pretrain as pretraining
from cpc_keras.pretraining.pretrain import _model
from cpc_keras.runs.checkpoints import load_model
from cpc_keras.runs.folder import RunFolder
from tests.config.test_build import SMALL


def test_a_run_taken_up_elsewhere_is_compiled_as_fits_there(tmp_path, monkeypatch):
    recipe, folder = Recipe(steps=10, offsets=(2,), **SMALL), RunFolder(tmp_path)
    folder.checkpoints.mkdir()
    # Keras would not where determinism is asked of this process, as by a test before.
    monkeypatch.setattr("keras.src.trainers.trainer.model_supports_jit", lambda model: True)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(distribution, "has_accelerator", lambda: True)
        model = build_cpc(recipe)
    model.save(folder.checkpoint_file(0))
    taken_up, step = _model(recipe, folder, tf.distribute.get_strategy())
    assert (model.jit_compile, taken_up.jit_compile, step) == (True, False, 0)


@pytest.mark.parametrize(
    ("precision", "native", "noted"),
    [("mixed_bfloat16", False, True), ("mixed_bfloat16", True, False), ("float32", False, False)],
)
def test_a_processor_without_bfloat16_is_told_of(precision, native, noted, photo_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(announce, "computes_in_bfloat16", lambda: native)
    monkeypatch.setattr(pretraining, "_train", lambda *_: None)  # it is told before a step is taken
    console = Console(file=io.StringIO(), width=200)
    fields = {**SMALL, "precision": precision, "data": f"dir:{photo_folder}", "batch_size": 4}
    pretraining.pretrain(Recipe(steps=1, offsets=(2,), **fields), tmp_path / "run", console)
    assert ("precision='float32' is many times faster here" in console.file.getvalue()) is noted


TINY = {
    **SMALL,
    "channels": 3,
    "short_side": 32,
    "offsets": (2,),
    "directions": ("down",),
    "batch_size": 4,
    "patch_flip": 0.5,
}


def trained(recipe, run, **kwargs):
    """What `pretrain` leaves and says: all that the last checkpoint holds, the log without its times, the words."""
    console = Console(file=io.StringIO(), width=300)
    pretraining.pretrain(recipe, run, console, **kwargs)
    folder = RunFolder(run)
    model = load_model(folder.last_checkpoint()[1])
    values = [np.asarray(one) for one in [*model.weights, *model.optimizer.variables]]
    log = pd.read_csv(folder.metrics_file).drop(columns="images_per_second")
    config = model.optimizer.get_config()["learning_rate"]["config"]
    return (values, log, folder.batches_file.read_text(), config), console.file.getvalue()


def assert_same(one, two):
    for ours, theirs in zip(one[0], two[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    pd.testing.assert_frame_equal(one[1], two[1])
    assert one[2:] == two[2:]


def test_a_run_that_fits_its_minutes_is_the_run_of_as_many_steps(photo_folder, tmp_path, monkeypatch, capsys):
    """Measuring takes steps, of which nothing remains; taken up again, nothing is measured."""
    fields = {**TINY, "data": f"dir:{photo_folder}", "average_decay": 0.9, "weight_decay": 0.01, "warmup_steps": 3}
    asked = Recipe(steps=30, minutes=30, **fields)
    fit_steps = fit_to_time.fit_steps

    def slow(recipe, left, step, row, runs):
        assert 0 < left < 1800 and 0 < step < 100 and 0 < row < 100
        return fit_steps(recipe, 12.0 + 5 * row, 0.5, row, runs)

    monkeypatch.setattr(fit_to_time, "fit_steps", slow)
    monkeypatch.setattr(fit_to_time, "measuring_seconds", lambda minutes: 0.1)
    fitted, said = trained(asked, tmp_path / "fitted")
    description = json.loads((tmp_path / "fitted" / "recipe.json").read_text())
    steps, every = (description["recipe"][name] for name in ("steps", "checkpoint_every"))
    assert (steps, every, description["recipe"]["minutes"]) == (23, 6, None)
    assert (description["asked"]["steps"], description["asked"]["minutes"]) == (30, 30)
    assert "8 images/s: 23 steps in 30 minutes (asked for 30; --set minutes=None for the full run, about " in said
    assert "Ends at about " in said and "The full 30 steps take about " in said
    assert "step      6  " in said and "left)  " in said

    plain, _ = trained(Recipe(steps=steps, checkpoint_every=every, **fields), tmp_path / "plain")
    assert_same(fitted, plain)
    assert fitted[3]["steps"] == 23

    # As if the machine had crashed: of the last two checkpoints and of the logs not everything was on the disk yet.
    folder = RunFolder(tmp_path / "fitted")
    folder.checkpoint_file(18).write_bytes(folder.checkpoint_file(18).read_bytes()[:5000])
    folder.checkpoint_file(23).write_bytes(b"")
    folder.metrics_file.write_bytes(folder.metrics_file.read_bytes()[:-30] + bytes(20))
    folder.batches_file.write_text(folder.batches_file.read_text().replace("\n15,", "\n"))
    monkeypatch.setattr(fit_to_time, "time_steps", lambda *args: pytest.fail("was measured already"))
    again, said = trained(asked, tmp_path / "fitted")
    assert "Resumes after step 12 of 23." in said
    assert_same(again, plain)
    notes = capsys.readouterr().out.splitlines()
    assert len(notes) == 4 and all(line.startswith("Note: ") for line in notes)
    assert f"Received: {folder.checkpoint_file(18)} (" in notes[1] and notes[1].endswith("; it counts as missing.")
    _, said = trained(asked, tmp_path / "fitted")
    assert "is trained: all 23 steps are done" in said


def test_a_run_that_is_killed_in_mid_stretch_loses_minutes_alone(photo_folder, tmp_path, monkeypatch):
    recipe = Recipe(steps=6, checkpoint_every=6, average_decay=0.9, data=f"dir:{photo_folder}", **TINY)
    whole, _ = trained(recipe, tmp_path / "whole")
    save = callbacks.Checkpoints.save

    def save_and_die(self, model, unfinished=None):
        save(self, model, unfinished)
        if self.step == 4:
            raise RuntimeError("killed")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="killed"):
        patched.setattr(callbacks, "_SECONDS", 0.0)
        patched.setattr(callbacks, "_TIMES", 0)
        patched.setattr(callbacks.Checkpoints, "save", save_and_die)
        trained(recipe, tmp_path / "killed")
    folder = RunFolder(tmp_path / "killed")
    assert folder.checkpoint_steps() == [0, 4] and folder.unfinished_file(4).is_file()
    resumed, said = trained(recipe, tmp_path / "killed")
    assert "Resumes after step 4 of 6." in said and folder.checkpoint_steps() == [0, 6]
    assert_same(resumed, whole)


def test_a_finished_run_is_made_longer(photo_folder, tmp_path, monkeypatch):
    recipe = Recipe(steps=4, checkpoint_every=3, warmup_steps=1, average_decay=0.9, data=f"dir:{photo_folder}", **TINY)
    trained(recipe, tmp_path / "run", may_be_longer=True)
    first = json.loads((tmp_path / "run" / "recipe.json").read_text())
    longer = dataclasses.replace(recipe, steps=10)
    found, said = trained(longer, tmp_path / "run", may_be_longer=True)
    assert "Resumes after step 4 of 10." in said
    assert "finished after 4 steps and goes on for 6: the learning rate rises to 0.0005 once more" in said
    assert (found[3]["start"], found[3]["steps"], found[3]["peak"]) == (4, 10, 0.0005)
    assert found[1]["step"].tolist() == [3, 4, 6, 9, 10]
    description = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert description["recipe"] == {**first["recipe"], "steps": 10} and description["longer_from"] == [4]
    _, said = trained(longer, tmp_path / "run", may_be_longer=True)
    assert "is trained: all 10 steps are done. More of them, as in --set steps=20, go on from there." in said
    with pytest.raises(
        InputError, match="`steps` must be more than a finished run has.* of 10 steps, and 4 by `steps`"
    ):
        trained(recipe, tmp_path / "run", may_be_longer=True)

    with pytest.raises(
        InputError, match="`--run` must be a new folder or one of the same recipe. Received: .*steps differ"
    ):
        trained(dataclasses.replace(recipe, steps=12), tmp_path / "run")  # as `ablate` and trials ask for it

    # Killed in between, it goes on as one that was not.
    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="killed"):
        trained(recipe, tmp_path / "killed", may_be_longer=True)
        save = callbacks.Checkpoints.save

        def save_and_die(self, model, unfinished=None):
            save(self, model, unfinished)
            raise RuntimeError("killed")

        patched.setattr(callbacks.Checkpoints, "save", save_and_die)
        trained(longer, tmp_path / "killed", may_be_longer=True)
    assert RunFolder(tmp_path / "killed").checkpoint_steps()[-1] == 6
    with pytest.raises(InputError, match="finished if it is to be made longer.* 6 of 10 steps are done"):
        trained(dataclasses.replace(recipe, steps=20), tmp_path / "killed", may_be_longer=True)
    assert_same(trained(longer, tmp_path / "killed", may_be_longer=True)[0], found)

    # By minutes, at the speed that the log has.
    rows = pd.read_csv(tmp_path / "run" / "metrics.csv").assign(images_per_second=0.4)
    rows.to_csv(tmp_path / "run" / "metrics.csv", index=False)
    _, said = trained(dataclasses.replace(longer, steps=None, minutes=1.5), tmp_path / "run", may_be_longer=True)
    assert "0.4 images/s, as the run's log has it: 8 more steps in 1.5 minutes." in said
    assert RunFolder(tmp_path / "run").open().steps == 18

    # What it had done is gone but for its beginning, and it begins its course anew.
    folder = RunFolder(tmp_path / "killed")
    for step in (4, 6, 9, 10):
        folder.checkpoint_file(step).unlink(missing_ok=True)
    found, _ = trained(longer, tmp_path / "killed", may_be_longer=True)
    assert (found[3]["start"], found[3]["steps"], found[3]["peak"]) == (0, 10, 0.001)


def test_a_finished_run_whose_rate_is_of_an_older_version_stays_as_it_is(photo_folder, tmp_path):
    recipe = Recipe(steps=2, data=f"dir:{photo_folder}", **TINY)
    trained(recipe, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    model = load_model(folder.checkpoint_file(2))
    model.optimizer._learning_rate = WarmUp(keras.optimizers.schedules.CosineDecay(1e-3, 2), 1)
    model.save(folder.checkpoint_file(2))
    before = folder.recipe_file.read_text()
    with pytest.raises(InputError, match="must be of this version to be made longer.*learning rate is a WarmUp"):
        trained(dataclasses.replace(recipe, steps=4), tmp_path / "run", may_be_longer=True)
    assert folder.recipe_file.read_text() == before


def test_runs_that_share_their_minutes_are_measured_once(photo_folder, tmp_path, monkeypatch):
    asked = Recipe(minutes=30, steps=4, **TINY, data=f"dir:{photo_folder}")
    monkeypatch.setattr(fit_to_time, "measuring_seconds", lambda minutes: 0.0)
    console = Console(file=io.StringIO(), width=300)
    fitted = pretraining.fitted_steps(asked, tmp_path / "new", console, runs=3)
    assert "images/s: all 4 steps for each of 3 runs fit into 30 minutes." in console.file.getvalue()
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(fit_to_time, "time_steps", lambda *args: pytest.fail("was measured already"))
    _, said = trained(asked, tmp_path / "run", fitted=fitted)
    folder = RunFolder(tmp_path / "run")
    assert folder.fitted() == dataclasses.asdict(fitted)
    assert (folder.open().steps, folder.open().minutes) == (4, None)
    assert "Tracing the first step." in said


def test_replicas_are_measured_together(photo_folder, tmp_path, monkeypatch):
    asked = Recipe(minutes=30, steps=4, **TINY, data=f"dir:{photo_folder}")
    monkeypatch.setattr(fit_to_time, "measuring_seconds", lambda minutes: 0.0)
    _, said = trained(asked, tmp_path / "fitted", strategy=tf.distribute.MirroredStrategy(["CPU:0"]))
    assert "images/s: all 4 steps fit into 30 minutes." in said


def test_time_that_suffices_for_no_step_is_refused_before_anything_is_written(photo_folder, tmp_path):
    recipe = Recipe(minutes=0.001, **TINY, data=f"dir:{photo_folder}")
    with pytest.raises(InputError, match=r"`minutes` must leave time for a step .* Received: minutes=0.001"):
        pretraining.pretrain(recipe, tmp_path / "run", Console(quiet=True))
    assert not list(tmp_path.iterdir())


def test_several_workers_are_told_to_name_their_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "has_many_workers", lambda strategy: True)
    with pytest.raises(InputError, match="`minutes` must be None with several workers.*--set minutes=None --set steps"):
        pretraining.pretrain(Recipe(minutes=3, data="dir:nowhere"), tmp_path / "run", Console(quiet=True))

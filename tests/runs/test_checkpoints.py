import shutil
import zipfile

import keras
import numpy as np
import pytest

from cpc_keras.errors import InputError
from cpc_keras.models import CPC
from cpc_keras.optimizers import AveragedAdamW, averages
from cpc_keras.runs.checkpoints import (
    _thin_out,
    load_last_model,
    load_last_whole,
    load_trained,
    metric_values,
    save_checkpoint,
    set_metric_values,
)
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.atomic import write_text
from cpc_keras.storage.keras_files import damage, is_complete
from tests.conftest import build_small_cpc


@pytest.fixture
def folder(tmp_path):
    """Checkpoints at each row of 100 steps, and two that SIGTERM left in between."""
    folder = RunFolder(tmp_path)
    for step in (0, 100, 200, 250, 300, 350, 400):
        write_text(folder.checkpoint_file(step), "")
        if step % 100:
            write_text(folder.unfinished_file(step), "[]")
    losses = {100: 3.0, 200: 1.0, 300: 2.0, 400: 2.5}
    rows = [f"{step},{loss}\n" for step, loss in losses.items()]
    write_text(folder.metrics_file, "".join(["step,loss\n", *rows]))
    return folder


def test_keeps_the_last_rows_the_best_and_the_untrained_one(folder):
    assert folder.best_step() == 200
    _thin_out(folder, 400, keep=1, milestones_of=None)
    assert folder.checkpoint_steps() == [0, 200, 400]
    assert not list(folder.checkpoints.glob("*.json"))


def test_keeps_milestones(folder):
    _thin_out(folder, 400, keep=1, milestones_of=100)
    assert folder.checkpoint_steps() == [0, 100, 200, 400]


def test_what_was_saved_between_rows_stays_until_the_next_and_takes_no_place(folder):
    folder.checkpoint_file(400).unlink()
    _thin_out(folder, 350, keep=2, milestones_of=None)
    assert folder.checkpoint_steps() == [0, 200, 300, 350]
    assert folder.unfinished_metrics(350) == []


def test_the_best_is_that_of_the_online_probe_where_there_is_one(folder):
    write_text(folder.metrics_file, "step,loss,probe_accuracy\n100,3.0,0.5\n200,1.0,0.4\n")
    assert folder.best_step() == 100
    write_text(folder.metrics_file, "step,loss\n")
    assert folder.best_step() is None


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with two checkpoints of a small model."""
    folder = RunFolder(tmp_path_factory.mktemp("saved"))
    folder.checkpoints.mkdir()
    model = build_small_cpc()
    model(np.zeros((1, 28, 28, 1), "float32"))
    model.save(folder.checkpoint_file(1))
    shutil.copy(folder.checkpoint_file(1), folder.checkpoint_file(2))
    return folder


@pytest.fixture
def trained(saved, tmp_path):
    return RunFolder(shutil.copytree(saved.path, tmp_path / "run"))


def rewritten(path, name, change):
    """Has the text of a member of an archive changed."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    members[name] = change(members[name].decode()).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)


def test_a_broken_checkpoint_is_told_with_the_last_whole_one(trained, capsys):
    last = trained.checkpoint_file(2)
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(InputError) as caught:
        load_last_model(trained)
    said = str(caught.value)
    assert said.startswith(f"The checkpoint must be a whole .keras file. Received: {last} (") and "\n" not in said
    assert said.endswith("as before goes on from step 1; without the file, that step is taken")
    step, model = load_last_whole(trained)
    assert step == 1 and isinstance(model, CPC)
    assert capsys.readouterr().out == f"Note: {said.partition('; ')[0]}; it counts as missing.\n"
    trained.checkpoint_file(1).write_bytes(b"")
    assert load_last_whole(trained) == (0, None)
    with pytest.raises(InputError, match="as before begins anew$"):
        load_last_model(trained)


def test_what_this_keras_cannot_read_is_not_to_be_deleted(trained):
    last = trained.checkpoint_file(2)
    rewritten(last, "config.json", lambda text: text.replace('"filters": 8', '"filters": 8, "of_tomorrow": 1'))
    rewritten(last, "metadata.json", lambda text: text.replace(keras.__version__, "99.1.0"))
    for load in (load_last_model, load_last_whole):
        with pytest.raises(InputError) as caught:
            load(trained)
        said = str(caught.value)
        assert f"Received: {last}, written by Keras 99.1.0, read by {keras.__version__} (" in said
        assert "delete" not in said and "without the file" not in said and "\n" not in said


def test_another_model_is_no_checkpoint(trained):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(trained.checkpoint_file(3))
    with pytest.raises(InputError, match="must be of a CPC model. Received: .*step-00000003.keras of a Sequential"):
        load_last_model(trained)


def test_a_broken_one_takes_no_place_among_those_that_are_kept(folder):
    """Training goes on before it, and makes it anew."""
    _thin_out(folder, 300, keep=1, milestones_of=None)
    assert folder.checkpoint_steps() == [0, 200, 300]


@pytest.mark.parametrize("values", [[], [[1.0]], {"a": 1}, 3, [["x"]], [[float("nan"), 1.0]] * 20])
def test_metrics_of_something_else_are_not_gone_on_with(values):
    model = build_small_cpc()
    before = metric_values(model)
    assert before
    with pytest.raises((TypeError, ValueError)):
        set_metric_values(model, values)
    assert metric_values(model) == before
    set_metric_values(model, before)


@pytest.fixture(scope="module")
def trainable():
    """A small model after two steps, whose optimizer keeps averages."""
    model = build_small_cpc()
    model.compile(AveragedAdamW(1e-2, average_decay=0.5), jit_compile=False)
    model.fit(np.random.default_rng(0).random((8, 28, 28, 1), "float32"), batch_size=4, verbose=0)
    return model


@pytest.mark.parametrize(("keep", "with_state"), [(1, [40, 45]), (3, [35, 40, 45])])
def test_the_optimizers_state_stays_in_the_last_checkpoints_alone(keep, with_state, trainable, tmp_path):
    folder = RunFolder(tmp_path)
    for step in range(0, 50, 5):
        save_checkpoint(trainable, folder, step, keep, milestones_of=5)
    steps = folder.checkpoint_steps()
    assert {0, 5, 10, 20, 40} <= set(steps)
    assert [step for step in steps if is_complete(folder.checkpoint_file(step))] == with_state
    assert all(damage(folder.checkpoint_file(step)) is None for step in steps)
    light, whole = (folder.checkpoint_file(step).stat().st_size for step in (20, 45))
    state = sum(4 * trainable.optimizer.variables[place].numpy().size for place in trainable.optimizer.training_state())
    assert whole - light > state
    assert {path.name for path in folder.checkpoints.iterdir()} == {f"step-{step:08d}.keras" for step in steps}
    for path in (folder.checkpoint_file(20), folder.checkpoint_file(45)):
        for ours, theirs in zip(load_trained(path).trainable_weights, averages(trainable), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_training_goes_on_from_none_without_the_state(trainable, tmp_path, capsys):
    folder = RunFolder(tmp_path)
    for step in (0, 5, 10, 15, 20):
        save_checkpoint(trainable, folder, step, 2, milestones_of=5)
    folder.checkpoint_file(20).write_bytes(b"")
    with pytest.raises(InputError, match="goes on from step 15; without the file, that step is taken$"):
        load_last_model(folder)
    assert load_last_whole(folder)[0] == 15
    folder.checkpoint_file(15).unlink()
    with pytest.raises(InputError, match="as before begins anew; without the file, step 10 is taken$"):
        load_last_model(folder)
    capsys.readouterr()
    assert load_last_whole(folder) == (0, None)
    assert "step-00000010.keras is kept for evaluation, without the optimizer's state" in capsys.readouterr().out


def test_a_broken_one_is_left_as_it_is(trainable, tmp_path, capsys):
    folder = RunFolder(tmp_path)
    for step in (0, 5, 10):
        save_checkpoint(trainable, folder, step, 1, milestones_of=5)
    folder.checkpoint_file(5).write_bytes(b"cut")
    save_checkpoint(trainable, folder, 15, 1, milestones_of=5)
    save_checkpoint(trainable, folder, 20, 1, milestones_of=5)
    assert folder.checkpoint_file(5).read_bytes() == b"cut"
    assert capsys.readouterr().out.count("step-00000005.keras cannot be read (") == 1

import pytest

from cpc_keras.runs.checkpoints import _thin_out
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.atomic import write_text


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

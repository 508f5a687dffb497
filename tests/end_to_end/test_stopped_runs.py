"""Runs that are cut short: told to end, short of space, gone astray, deprived of their images."""

import csv
import resource
import shutil
import signal
import time

import keras
import numpy as np
import pytest

from cpc_keras.optimizers import averages
from tests.commands import RECIPE, cpc_keras, cpc_keras_running
from tests.processes import run

pytestmark = pytest.mark.slow
LONG = RECIPE.replace("steps = 2", "steps = 300").replace("checkpoint_every = 1", "checkpoint_every = 100")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("stopped")
    (place / "small.py").write_text(LONG + "patch_flip = 0.5\naverage_decay = 0.9\nkeep_checkpoints = 1\n")
    return place


def state(path):
    """Weights, averages and all the optimizer keeps."""
    model = keras.models.load_model(path)
    return [np.asarray(one) for one in [*model.weights, *averages(model), *model.optimizer.variables]]


def untimed(folder):
    with open(folder / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name != "images_per_second"} for row in rows]


def assert_identical(one, two, last):
    for ours, theirs in zip(*(state(folder / "checkpoints" / last) for folder in (one, two)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert untimed(one) == untimed(two)
    assert (one / "batches.csv").read_bytes() == (two / "batches.csv").read_bytes()


def test_sigterm_saves_in_mid_stretch_and_a_full_disk_loses_nothing(place, photo_folder):
    arguments = ("pretrain", "small.py", "--data", f"dir:{photo_folder}")
    checkpoints = place / "cut" / "checkpoints"
    with cpc_keras_running(*arguments, "--run", "cut", cwd=place) as process:
        while process.poll() is None and not (checkpoints / "step-00000100.keras").exists():
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 75, error
    (kept,) = (path for path in checkpoints.glob("*.json"))
    step = int(kept.stem[5:])
    assert 100 < step < 300 and step % 100 and kept.with_suffix(".keras").is_file()
    assert error == f"cpc-keras: told to end; step {step} is saved, and the same command goes on from it\n"

    before = sorted(path.name for path in checkpoints.iterdir())
    largest = kept.with_suffix(".keras").stat().st_size // 2  # as if no more fitted on the disk
    with cpc_keras_running(*arguments, "--run", "cut", cwd=place) as process:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest, largest))
        _, error = process.communicate()
    assert process.returncode == 2, error
    assert error.startswith("cpc-keras: `--run` must be a folder that can be written to; the last good checkpoint")
    assert error.count("\n") == 1
    assert sorted(path.name for path in checkpoints.iterdir()) == before

    done = cpc_keras(*arguments, "--run", "cut", cwd=place, code=0)
    assert f"Resumes after step {step} of 300." in done.stdout
    cpc_keras(*arguments, "--run", "whole", cwd=place, code=0, fresh=True)
    assert_identical(place / "cut", place / "whole", "step-00000300.keras")
    assert not list(checkpoints.glob("*.json"))


def test_the_best_checkpoint_stays(place):
    """The run before keeps one checkpoint besides the untrained one, and the one with the lowest loss."""
    rows = untimed(place / "whole")
    best = min(rows, key=lambda row: float(row["loss"]))["step"]
    kept = {int(path.stem[5:]) for path in (place / "whole" / "checkpoints").iterdir()}
    assert kept == {0, int(best), 300}


def test_a_loss_that_is_no_number_ends_the_run_and_leaves_the_last_good_checkpoint(place, photo_folder):
    done = cpc_keras(
        *("pretrain", "small.py", "--data", f"dir:{photo_folder}", "--run", "astray"),
        *("--set", "learning_rate=2e9", "--set", "warmup_steps=0", "--set", "checkpoint_every=5"),
        cwd=place,
        code=2,
    )
    assert done.stderr.startswith("cpc-keras: `learning_rate` must keep the loss finite")
    assert done.stderr.count("\n") == 1 and "step-00000000.keras" in done.stderr
    assert [path.name for path in (place / "astray" / "checkpoints").iterdir()] == ["step-00000000.keras"]


def test_images_that_vanish_end_the_run_with_one_line(place, photo_folder):
    """Images that do not fit into memory are read again and again."""
    script = (
        "import shutil, sys\n"
        "from cpc_keras.cli.console import open_console\n"
        "open_console()  # quiets TensorFlow\n"
        "import cpc_keras.data.preparation as preparation, cpc_keras.pretraining.pretrain as pretraining\n"
        "from cpc_keras.cli import main\n"
        "preparation._CACHE_SHARE = 0\n"
        "begin = pretraining.BatchLog.on_train_batch_end\n"
        "def on_train_batch_end(self, *arguments, **logs):\n"
        "    begin(self, *arguments, **logs)\n"
        "    if self.step == 7: shutil.rmtree('vanishing')\n"
        "pretraining.BatchLog.on_train_batch_end = on_train_batch_end\n"
        "sys.argv = ['cpc-keras', 'pretrain', 'small.py', '--data', 'dir:vanishing', '--run', 'bereft',\n"
        "            '--set', 'checkpoint_every=5']\n"
        "main()\n"
    )
    shutil.copytree(photo_folder, place / "vanishing")
    done = run("-c", script, cwd=place)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("cpc-keras: `data` must stay readable while a run trains")
    assert "No such file" in done.stderr and "vanishing" in done.stderr and done.stderr.count("\n") == 1
    kept = {int(path.stem[5:]) for path in (place / "bereft" / "checkpoints").iterdir()}
    assert 0 in kept and kept & {5, 10}

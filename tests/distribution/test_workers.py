"""`cpc-keras launch`: workers that are told to end, killed, started again."""

import signal
import time

import keras
import numpy as np
import psutil
import pytest

from tests.commands import COMMAND, RECIPE, cpc_keras
from tests.end_to_end.test_stopped_runs import assert_identical
from tests.processes import start

pytestmark = pytest.mark.slow
LAST = "step-00000060.keras"


@pytest.fixture(scope="module")
def place(tmp_path_factory, photo_folder):
    place = tmp_path_factory.mktemp("workers")
    text = RECIPE.replace("steps = 2", "steps = 60").replace("checkpoint_every = 1", "checkpoint_every = 10")
    (place / "small.py").write_text(text + f"data = 'dir:{photo_folder}'\npatch_flip = 0.5\naverage_decay = 0.9\n")
    return place


def launch(place, run):
    return start(*COMMAND, "launch", "--workers", "2", "pretrain", "small.py", "--run", run, cwd=place)


def signal_one(launcher, number):
    """Signals the second worker once training is under way; gives the code and what was printed."""
    for line in launcher.stdout:
        if line.startswith("step"):
            break
    time.sleep(0.5)
    (second,) = (
        child for child in psutil.Process(launcher.pid).children() if '"index": 1' in child.environ()["TF_CONFIG"]
    )
    second.send_signal(number)
    began = time.monotonic()
    printed = launcher.communicate(timeout=120)[0]
    return launcher.returncode, printed, time.monotonic() - began


def test_told_to_end_killed_and_started_again_the_workers_end_up_the_same(place):
    code, printed, _ = signal_one(launch(place, "cut"), signal.SIGTERM)
    assert code == 75, printed
    assert printed.count("cpc-keras: told to end; step") == 2  # both, after the same step
    (kept,) = (place / "cut" / "checkpoints").glob("*.json")
    assert f"step {int(kept.stem[5:])} is saved" in printed

    code, printed, seconds = signal_one(launch(place, "cut"), signal.SIGKILL)
    assert code == 128 + signal.SIGKILL, printed
    assert "cpc-keras: a worker is gone, and the others cannot go on without it; started again" in printed
    assert seconds < 60

    for run in ("cut", "whole"):
        done = launch(place, run)
        printed = done.communicate(timeout=200)[0]
        assert done.returncode == 0, printed
        assert "2 replicas of 2 images, each compared with the patches of all." in printed
        assert printed.count("Run:") == 1  # the chief alone reports
    assert_identical(place / "cut", place / "whole", LAST)

    cpc_keras("pretrain", "small.py", "--run", "alone", cwd=place, code=0)
    assert (place / "alone" / "batches.csv").read_bytes() == (place / "whole" / "batches.csv").read_bytes()
    # Sixty steps of Adam enlarge rounding, most where a weight is small: all are compared with how far they moved.
    # `test_replicas.py` compares each of them closely, after twenty steps.
    first, alone, whole = (
        np.concatenate(
            [np.ravel(one) for one in keras.models.load_model(place / run / "checkpoints" / name).trainable_weights]
        )
        for run, name in (("whole", "step-00000000.keras"), ("alone", LAST), ("whole", LAST))
    )
    assert np.linalg.norm(alone - whole) <= 1e-2 * np.linalg.norm(alone - first)


def test_refuses_what_workers_cannot_share(place):
    done = cpc_keras("launch", "--workers", "2", "evaluate", "cut", cwd=place, code=2)
    assert done.stderr == "cpc-keras: `launch` must be given the command pretrain. Received: evaluate cut\n"
    done = cpc_keras("pretrain", "small.py", "--strategy", "multi_worker", cwd=place, code=2)
    assert done.stderr.startswith("cpc-keras: `TF_CONFIG` must name the cluster")
    done = cpc_keras("pretrain", "small.py", "--strategy", "two", cwd=place, code=2)
    assert done.stderr.startswith("cpc-keras: `--strategy` must be one of one, mirrored, multi_worker, tpu.")
    done = cpc_keras("pretrain", "small.py", "--strategy", "tpu", cwd=place, code=2)
    assert done.stderr.startswith("cpc-keras: `--strategy` must fit the machine. Received: tpu, but none was found")
    assert done.stderr.count("\n") == 1


def test_the_batch_must_divide_evenly(place):
    """What else several replicas refuse is in `tests/backend/test_distribution.py`."""
    command = ("launch", "--workers", "2", "pretrain", "small.py", "--run", "uneven", "--set", "batch_size=3")
    done = cpc_keras(*command, cwd=place, code=2)
    assert "`batch_size` must be a multiple of the number of replicas, 2. Received: batch_size=3" in done.stderr

"""A run that is killed twenty times, at moments of chance, ends as one that was left alone."""

import random
import signal
import time

import pytest

from tests.commands import RECIPE, cpc_keras, cpc_keras_running
from tests.end_to_end.test_stopped_runs import assert_identical

KILLS, STEPS, EVERY = 20, 4000, 20


def last_checkpoint(run):
    return max((int(path.stem[5:]) for path in (run / "checkpoints").glob("step-*.keras")), default=-1)


@pytest.mark.kills
def test_twenty_kills_leave_no_trace(tmp_path, photo_folder):
    """One kill in four falls into start-up, the others into training."""
    text = RECIPE.replace("steps = 2", f"steps = {STEPS}").replace(
        "checkpoint_every = 1", f"checkpoint_every = {EVERY}"
    )
    (tmp_path / "small.py").write_text(
        text + f"data = 'dir:{photo_folder}'\npatch_flip = 0.5\npatch_elastic = 0.3\naverage_decay = 0.9\n"
    )
    command = ("pretrain", "small.py", "--run", "killed")
    chance = random.Random(7)
    reached = []
    for _ in range(KILLS):
        with cpc_keras_running(*command, cwd=tmp_path, fresh=True) as process:
            before = last_checkpoint(tmp_path / "killed")
            if chance.random() < 0.25:
                time.sleep(chance.uniform(0.0, 8.0))
            else:
                while process.poll() is None and last_checkpoint(tmp_path / "killed") == before:
                    time.sleep(0.01)
                time.sleep(chance.uniform(0.0, 1.5))
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL  # it was still at work
        reached.append(last_checkpoint(tmp_path / "killed"))
    assert reached == sorted(reached) and len(set(reached)) > KILLS // 2
    print("killed after the checkpoints of", reached)
    cpc_keras("pretrain", "small.py", "--run", "killed", cwd=tmp_path, code=0, timeout=None)
    cpc_keras("pretrain", "small.py", "--run", "whole", cwd=tmp_path, code=0, timeout=None)
    assert_identical(tmp_path / "killed", tmp_path / "whole", f"step-{STEPS:08d}.keras")

"""Two commands at once on one folder: one owner, and evaluations side by side."""

import json
import re
import shutil
import signal
import time

import pytest

from cpc_keras.storage.owner import owned_folder
from tests.commands import COMMAND, RECIPE, check_refusal, cpc_keras, cpc_keras_running
from tests.processes import finish, start

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, pretrained):
    place = shutil.copytree(pretrained, tmp_path_factory.mktemp("two") / "place")
    text = RECIPE.replace("steps = 2", "steps = 120").replace("checkpoint_every = 1", "checkpoint_every = 20")
    (place / "long.py").write_text(text)
    return place


def test_a_second_training_is_refused_and_that_of_a_killed_one_is_taken_over(place):
    arguments = ("pretrain", "long.py", "--data", "classes:labelled", "--run", "long")
    checkpoints = place / "long" / "checkpoints"
    with cpc_keras_running(*arguments, cwd=place) as process:
        while process.poll() is None and not (checkpoints / "step-00000020.keras").exists():
            time.sleep(0.01)
        done = cpc_keras(*arguments, cwd=place, code=2)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert re.fullmatch(
        r"cpc-keras: `--run` must be a folder that no other command is writing to. Received: long, which process "
        rf"{process.pid} on \S+ has \(cpc-keras pretrain long.py --data classes:labelled --run long\)\n",
        done.stderr,
    ), done.stderr
    assert (place / "long" / ".owner").exists()
    done = cpc_keras(*arguments, cwd=place, code=0)
    assert "Resumes after step" in done.stdout and done.stderr == ""
    steps = [line.split(",")[0] for line in (place / "long" / "metrics.csv").read_text().splitlines()[1:]]
    assert steps == [str(step) for step in range(20, 121, 20)]
    assert not list((place / "long").rglob(".*"))


@pytest.mark.parametrize(
    ("command", "folder", "argument"),
    [
        ("ablate small.py --data classes:labelled --run ladder --axes MC", "ladder", "--run"),
        ("tune run --labels-per-class 2 --trials 1", "run/tuning/linear-per_class-2-seed0", "--name"),
        ("report run", "run/report", "RUN"),
    ],
)
def test_each_command_has_one_owner(place, command, folder, argument):
    with owned_folder(place / folder, argument):
        said = f"`{argument}` must be a folder that no other command is writing to. Received: {folder}, which process "
        check_refusal(command, said, place)


def test_evaluations_side_by_side_leave_whole_records(place):
    """They share features, label lists and the table of all results; whoever ends last leaves none out."""
    budgets = ("2", "2,4")
    with owned_folder(place / "run", "--run"):  # evaluation does not wait for training
        finish(
            [
                start(
                    *COMMAND, "evaluate", "run", "--methods", "prototype,knn", "--labels-per-class", budget, cwd=place
                )
                for budget in budgets
            ],
            timeout=1200,
        )
    evaluation = place / "run" / "evaluation"
    records = json.loads((evaluation / "label_efficiency.json").read_text())
    found = {(one["method"], one["encoder"], one["labels_per_class"], one["seed"]) for one in records}
    assert len(records) == len(found) == 2 * 4 * 2 * 2  # methods, encoders, budgets, subsets
    lists = json.loads((evaluation / "subsets" / "sha256.json").read_text())
    assert sorted(lists) == sorted(path.name for path in (evaluation / "subsets").glob("*.txt"))
    assert len(lists) == 2 * 2
    assert not list((place / "run").rglob(".*"))
    done = cpc_keras("evaluate", "run", "--methods", "prototype,knn", "--labels-per-class", "2,4", cwd=place, code=0)
    assert "fits of 0 new results" in done.stdout

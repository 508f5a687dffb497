"""Searches inside a few labels, as a user types them: killed, shared between processes, and tested."""

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import socket
import time

import pytest

from cpc_keras.config.files import load_recipe
from tests.commands import COMMAND, check_refusal, cpc_keras, cpc_keras_running
from tests.processes import finish, running

pytestmark = pytest.mark.slow
SEARCH = ("tune", "run", "--labels-per-class", "2")


def trials(place, name):
    with open(place / "run" / "tuning" / name / "trials.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def place(tmp_path_factory, pretrained):
    """A run on photographs of two classes."""
    return shutil.copytree(pretrained, tmp_path_factory.mktemp("tune") / "place")


@pytest.fixture(scope="module")
def searched(place):
    return cpc_keras(*SEARCH, "--trials", "4", "--name", "whole", cwd=place, code=0)


def test_the_best_setting_is_kept_and_tested(place, searched):
    assert "linear, 2 a class, subset 1: random, 4 trials beside the default." in searched.stdout
    assert "Labels spent: 4. Settings tried: 5, each inside these labels." in searched.stdout
    rows = trials(place, "whole")
    assert [row["trial"] for row in rows] == ["default", "trial 0", "trial 1", "trial 2", "trial 3"]
    folder = place / "run" / "tuning" / "whole"
    assert (folder / "trials.png").stat().st_size > 10_000
    best = max(rows, key=lambda row: float(row["score"]))
    if float(best["lead"]) <= float(best["error"]):
        best = rows[0]
    assert (f"Kept: {best['trial']}." if best is not rows[0] else "Kept: the default;") in searched.stdout
    from cpc_keras.evaluation.settings import TunedSetting

    found = load_recipe(str(folder / "tuned.py"), kind=TunedSetting)
    assert found.learning_rate == float(best["learning_rate"]) and found.pooling == best["pooling"]
    done = cpc_keras("evaluate", "run", "--settings", folder, cwd=place, code=0)
    assert "CPC, frozen, linear map, tuned" in done.stdout and "default setting" in done.stdout
    records = json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())
    assert {record["method"]: record["trials"] for record in records} == {"linear_tuned": 5, "linear_default": 1}
    assert {record["labels"] for record in records} == {4}
    cpc_keras("report", "run", cwd=place, code=0)
    page = (place / "run" / "report" / "index.html").read_text()
    assert "What was searched" in page and "linear, 2 a class, subset 1" in page
    assert re.search(r"What searching was worth.*?linear map</td><td>4</td>.*? to [+-]\d+\.\d\)</td>", page, re.S)


def test_how_labels_are_propagated_is_searched_and_tested(place):
    done = cpc_keras(*SEARCH, "--trials", "2", "--regime", "propagated", "--name", "spread", cwd=place, code=0)
    assert "propagated, 2 a class, subset 1: random, 2 trials beside the default." in done.stdout
    assert [row["trial"] for row in trials(place, "spread")] == ["default", "trial 0", "trial 1"]
    text = (place / "run" / "tuning" / "spread" / "default.py").read_text()
    assert "alpha = 0.9\n" in text and "learning_rate" not in text
    done = cpc_keras("evaluate", "run", "--settings", "run/tuning/spread", cwd=place, code=0)
    assert "CPC, frozen, propagated labels, tuned" in done.stdout


def test_another_search_in_its_folder_is_refused(place, searched):
    words = "Received: run/tuning/whole (trials 4 there, 3 here)"
    check_refusal(" ".join([*SEARCH, "--trials 3 --name whole"]), words, place)
    words = "Received: run/tuning/whole (regime linear there, resnet here)"
    check_refusal(" ".join([*SEARCH, "--trials 4 --name whole --regime resnet"]), words, place)


def test_settings_are_tested_on_their_own_labels_only(place, searched):
    moved = place / "moved.py"
    text = (place / "run" / "tuning" / "whole" / "tuned.py").read_text()
    moved.write_text(text.replace("labels_per_class = 2", "labels_per_class = 4"))
    check_refusal("evaluate run --settings moved.py", "Received: linear, 4 a class, subset 1, of other images", place)
    check_refusal(
        "evaluate run --settings run/tuning/whole --seeds 2", "`--seeds` needs `--methods` beside `--settings`", place
    )
    check_refusal("evaluate run --settings nowhere", "`--settings` must be a file or folder that `tune` wrote", place)


def test_a_default_that_was_kept_is_trained_once(place, searched):
    kept = place / "kept"
    kept.mkdir()
    text = (place / "run" / "tuning" / "whole" / "default.py").read_text()
    (kept / "default.py").write_text(text)
    (kept / "tuned.py").write_text(
        text.replace("kind = 'default'", "kind = 'tuned'").replace("trials = 1", "trials = 7")
    )
    cpc_keras("evaluate", "run", "--settings", "kept/default.py", cwd=place, code=0)
    done = cpc_keras("evaluate", "run", "--settings", "kept", cwd=place, code=0)
    assert "fits of 0 new results" in done.stdout
    records = json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())
    tuned, default = ({one["method"]: one for one in records}[f"linear_{kind}"] for kind in ("tuned", "default"))
    assert (tuned["trials"], default["trials"]) == (7, 1)
    assert {**tuned, "method": "", "trials": 0, "seconds": 0} == {**default, "method": "", "trials": 0, "seconds": 0}


def test_killed_and_begun_again_it_finds_the_same(place, searched):
    finished = place / "run" / "tuning" / "killed" / "trials"
    for wanted in (1, 3):
        with cpc_keras_running(*SEARCH, "--trials", "4", "--name", "killed", cwd=place) as process:
            while len(list(finished.glob("*.npz"))) < wanted:
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
            process.wait()
    done = cpc_keras(*SEARCH, "--trials", "4", "--name", "killed", cwd=place, code=0, fresh=True)
    assert "Settings tried: 5" in done.stdout
    assert trials(place, "killed") == trials(place, "whole")
    both = [(place / "run" / "tuning" / name / "tuned.py").read_text() for name in ("whole", "killed")]
    assert both[0] == both[1]


def test_a_chief_and_two_workers_share_the_trials(place):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    address = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}
    kept = place / "run" / "tuning" / "shared" / "trials"

    def begin(name):
        env = {**os.environ, **address, "KERASTUNER_TUNER_ID": name}
        command = (*COMMAND, *SEARCH, "--trials", "4", "--name", "shared")
        return stack.enter_context(running(*command, env=env, cwd=place))

    def wait_for(count):
        deadline = time.monotonic() + 500
        while len(list(kept.glob("*.npz"))) < count:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    with contextlib.ExitStack() as stack:
        chief, first = begin("chief"), begin("worker0")
        wait_for(2)  # the default and a trial
        # A worker that pauses after its first trial leaves some to the other, however fast it is.
        first.send_signal(signal.SIGSTOP)
        second = begin("worker1")
        wait_for(1 + len(list(kept.glob("*.npz"))))
        first.send_signal(signal.SIGCONT)
        said = finish([chief, first, second], 500)
    shares = [int(re.search(r"This worker ran (\d+) trials", one)[1]) for one in said[1:]]
    assert sum(shares) == 4 and min(shares) > 0, shares
    rows = trials(place, "shared")
    assert len({row["trial"] for row in rows}) == len(rows) == 5
    assert "This worker" not in said[0] and "Settings tried: 5" in said[0]
    assert len(list(kept.glob("*.npz"))) == 5
    # As one process would have found it; a longer search takes over what a shorter one has tried.
    for count in (2, 4):
        cpc_keras(*SEARCH, "--trials", count, "--name", "alone", cwd=place, code=0)
    scores = [sorted(row["score"] for row in trials(place, name)) for name in ("shared", "alone")]
    assert scores[0] == scores[1]


def test_fine_tuning_by_hyperband_beside_another_method(place):
    search = ("tune", "run", "--fraction", "31%", "--seed", "1", "--regime", "finetune", "--tuner", "hyperband")
    done = cpc_keras(*search, "--trials", "6", cwd=place, code=0)
    assert "finetune, 31 %, subset 2: hyperband, 6 trials beside the default." in done.stdout
    rows = trials(place, "finetune-fraction-0.31-seed1")
    assert sorted({row["share"] for row in rows}) == ["0.3333333333333333", "1.0"]
    options = ("--settings", "run/tuning/finetune-fraction-0.31-seed1", "--methods", "knn", "--labels-per-class", "2")
    done = cpc_keras("evaluate", "run", *options, "--seeds", "1", cwd=place, code=0)
    assert "CPC, fine-tuned, tuned" in done.stdout
    records = json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())
    found = {(record["method"], record["labels_per_class"], record["seed"]) for record in records}
    assert {("finetune_tuned", None, 1), ("finetune_default", None, 1), ("knn", 2, 0)} <= found
    assert not any(method == "knn" and labels is None for method, labels, _ in found)


def test_pretraining_is_searched_by_what_labels_make_of_it(place):
    done = cpc_keras(*SEARCH, "--what", "pretraining", "--steps", "2", "--trials", "2", cwd=place, code=0)
    assert "pre-training, 2 steps a trial, 2 a class, subset 1: random, 2 trials beside the default." in done.stdout
    folder = place / "run" / "tuning" / "pretraining-per_class-2-seed0"
    assert not list((folder / "runs").iterdir())
    assert load_recipe(str(folder / "recipe.py")).steps == 2
    cpc_keras("pretrain", folder / "recipe.py", "--run", "best", cwd=place, code=0)


def test_a_search_of_pretraining_that_is_told_to_end_does(place):
    search = (*SEARCH, "--what", "pretraining", "--steps", "100000", "--trials", "2", "--name", "long")
    with cpc_keras_running(*search, cwd=place) as process:
        while not list((place / "run" / "tuning" / "long").glob("runs/*/checkpoints/step-*.keras")):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=100)[1]
    assert process.returncode == 75, said
    assert "Traceback" not in said


CASES = {
    "unknown regime": (
        "tune run --labels-per-class 3 --regime frozen",
        "`--regime` must be one of linear, propagated, finetune, resnet",
    ),
    "unknown tuner": ("tune run --labels-per-class 3 --tuner luck", "`--tuner` must be one of random, bayesian"),
    "unknown search": ("tune run --labels-per-class 3 --what luck", "`--what` must be one of classifier, pretraining"),
    "regime of pre-training": (
        "tune run --labels-per-class 3 --what pretraining --regime finetune",
        "`--regime` is for classifiers",
    ),
    "name with folders": ("tune run --labels-per-class 3 --name ../x", "`--name` must be letters, digits, dots"),
    "no budget": ("tune run", "`--fraction` or `--labels-per-class` must name one label budget"),
    "two budgets": ("tune run --labels-per-class 3 --fraction 0.5", "must name one label budget"),
    "more labels than there are": ("tune run --labels-per-class 99", "`labels_per_class` must lie in [1, "),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_searched_is_said_in_one_line(case, place, searched):
    check_refusal(*CASES[case], place)

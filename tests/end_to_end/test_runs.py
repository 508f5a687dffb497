"""The command line on real photographs: train, be killed, go on, evaluate, export, report."""

import csv
import json
import os
import re
import resource
import shutil
import signal
import time

import keras
import numpy as np
import pytest

from cpc_keras.optimizers import averages
from cpc_keras.runs.folder import RunFolder
from tests.commands import RECIPE, cpc_keras, cpc_keras_running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, photo_classes):
    """A recipe of 12 steps with a checkpoint every five (in mid-accumulation), and photographs in two classes."""
    place = tmp_path_factory.mktemp("runs")
    text = RECIPE.replace("steps = 2", "steps = 12").replace("checkpoint_every = 1", "checkpoint_every = 5")
    text += "labels_per_class = (2, 4)\nlabel_seeds = 2\npatch_flip = 0.5\npatch_primitives = 1\npatch_elastic = 0.5\n"
    text += "patch_color_distortion = 0.8\naccumulate = 2\naverage_decay = 0.9\nclip_norm = 1.0\nweight_decay = 0.01\n"
    (place / "small.py").write_text(text)
    shutil.copytree(photo_classes, place / "labelled")
    return place


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_three_corrupt_files_are_named(place, photo_folder):
    folder = place / "with_bad"
    shutil.copytree(photo_folder, folder)
    whole = (folder / "photo1.jpg").read_bytes()
    (folder / "text.jpg").write_text("no image")
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "nothing.png").write_bytes(b"")
    done = cpc_keras("pretrain", "small.py", "--data", f"dir:{folder}", "--run", "bad", cwd=place, code=0)
    assert "16 images" in done.stdout
    assert "3 bad files were left out" in done.stdout
    listed = {os.path.basename(row["path"]) for row in rows(place / "bad" / "bad_files.csv")}
    assert listed == {"text.jpg", "cut.jpg", "nothing.png"}
    assert all(name in done.stdout for name in listed)
    after = "label these, then cpc-keras evaluate bad --labels FILE.csv"
    assert done.stdout.endswith(f"Run:  bad\nNext: cpc-keras select bad --count 50, {after}\n")
    description = json.loads((place / "bad" / "recipe.json").read_text())
    fitted = {"minutes": 2, "steps": 12, "full_steps": 120, "seconds_a_step": 9.0, "seconds": 120.0}
    fitted |= {"checkpoint_every": 5, "runs": 1}  # as if it had been cut short
    (place / "bad" / "recipe.json").write_text(json.dumps(description | {"fitted": fitted}))
    done = cpc_keras("report", "bad", cwd=place, code=0)  # without labels, the page shows what there is
    assert done.stdout.endswith("Next: cpc-keras evaluate bad --labels FILE.csv\n")
    page = (place / "bad" / "report" / "index.html").read_text()
    assert "<li>This run took 12 of the recipe&#x27;s 120 steps to fit 2 minutes. The full 120 steps take about" in page
    assert "not evaluated with labels" in page and page.count("data:image/png;base64,") == 5
    done = cpc_keras(
        *("pretrain", "small.py", "--data", f"dir:{folder}", "--run", "strict"),
        *("--set", "max_bad_share=0.05"),
        cwd=place,
        code=2,
    )
    assert "bad files of 19" in done.stderr


def test_pretrained_on_a_folder_evaluated_on_labels_elsewhere(place):
    cpc_keras("evaluate", "bad", "--data", "classes:labelled", "--methods", "knn", cwd=place, code=0)
    cpc_keras("report", "bad", cwd=place, code=0)
    assert "CPC, frozen, kNN" in (place / "bad" / "report" / "index.html").read_text()


def test_killed_in_an_epoch_it_goes_on_as_if_it_had_not_been(place, photo_folder):
    """SIGKILL between checkpoints: same images at each step, same number, same weights."""
    arguments = ("pretrain", "small.py", "--data", f"dir:{photo_folder}", "--set", "steps=40")
    cpc_keras(*arguments, "--run", "whole", cwd=place, code=0, fresh=True)
    with cpc_keras_running(*arguments, "--run", "killed", cwd=place) as process:
        first = place / "killed" / "checkpoints" / "step-00000005.keras"
        deadline = time.monotonic() + 120
        while not first.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    stopped = max(int(path.stem[5:]) for path in (place / "killed" / "checkpoints").glob("step-*.keras"))
    assert 5 <= stopped < 40
    done = cpc_keras(*arguments, "--run", "killed", cwd=place, code=0)
    assert f"Resumes after step {stopped} of 40" in done.stdout
    whole, killed = (rows(place / run / "batches.csv") for run in ("whole", "killed"))
    assert whole == killed
    assert [int(row["step"]) for row in whole] == list(range(1, 41))
    assert len({row["digest"] for row in whole}) > 30
    models = [
        keras.models.load_model(place / run / "checkpoints" / "step-00000040.keras") for run in ("whole", "killed")
    ]
    for one, two in zip(*(model.get_weights() + averages(model) for model in models), strict=True):
        np.testing.assert_array_equal(one, two)
    assert [row["loss"] for row in rows(place / "whole" / "metrics.csv")] == [
        row["loss"] for row in rows(place / "killed" / "metrics.csv")
    ]


def test_the_whole_road_on_a_folder_with_classes(place):
    done = cpc_keras("pretrain", "small.py", "--data", "classes:labelled", "--run", "road", cwd=place, code=0)
    assert re.search(r"step +12 +loss .* \(chance 4.61\) +accuracy .*images/s", done.stdout)
    assert json.loads((place / "road" / "classes.json").read_text()) == {"0": "even", "1": "odd"}
    assert [int(row["step"]) for row in rows(place / "road" / "metrics.csv")] == [5, 10, 12]
    assert list((place / "road" / "tensorboard").iterdir())
    assert done.stdout.endswith("Next: cpc-keras evaluate road\n")
    done = cpc_keras("pretrain", "small.py", "--data", "classes:labelled", "--run", "road", cwd=place, code=0)
    assert "all 12 steps are done" in done.stdout

    done = cpc_keras("evaluate", "road", "--methods", "linear,knn", cwd=place, code=0)
    assert "CPC, frozen, linear probe (step 12): " in done.stdout and "handmade features, kNN: " in done.stdout
    assert done.stdout.endswith("report road, or cpc-keras export road saved_models/mine --with-head\n")
    records = json.loads((place / "road" / "evaluation" / "label_efficiency.json").read_text())
    assert len(records) == 2 * 4 * 2 * 2  # probes, encoders, budgets, seeds
    assert {record["encoder"] for record in records} == {"cpc", "untrained", "pixels", "handmade"}
    assert set(records[0]) == {
        *("method", "encoder", "checkpoint", "fraction", "labels", "labels_per_class", "selection", "seed", "split"),
        *("top1", "top5", "balanced_accuracy", "auc", "log_loss", "calibration_error"),
        *("log_loss_before", "calibration_error_before", "temperature", "threshold"),
        *("selected", "trials", "seconds"),
    }
    assert all(0.0 <= record["top1"] <= 1.0 for record in records)
    hashes = json.loads((place / "road" / "evaluation" / "subsets" / "sha256.json").read_text())
    small, large = (
        set((place / "road" / "evaluation" / "subsets" / f"per_class-{n}-seed0.txt").read_text().split())
        for n in (2, 4)
    )
    assert small < large and len(hashes) == 4

    done = cpc_keras("export", "road", "exported", cwd=place, code=0)
    assert "Loading the last checkpoint of road.\n" in done.stdout
    assert done.stdout.endswith("Next: cpc-keras embed exported --data dir:PATH --out features.npz\n")
    card = (place / "exported" / "README.md").read_text()
    assert "CPC, frozen, linear probe" in card and "`selected`" in card

    done = cpc_keras("report", "road", cwd=place, code=0)
    assert done.stdout.endswith("Next: cpc-keras export road saved_models/mine --with-head\n")
    page = (place / "road" / "report" / "index.html").read_text()
    shown = re.findall(r'<img alt="([^"]+)" src="data:image/png;base64,', page)
    assert len(shown) == len(set(shown)) == 7 + ("None of the" not in page)  # where nothing was got wrong
    assert {"How many labels?", "Pre-training", "Where images lie", "What is taken for what"} <= set(shown)


def test_help_takes_less_than_half_a_second_of_cpu_time(place):
    cpc_keras("--help", cwd=place, code=0, fresh=True)  # writes the byte code
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = cpc_keras("--help", cwd=place, code=0, fresh=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 0.5
    assert all(command in done.stdout for command in ("demo", "pretrain", "evaluate", "export", "report"))


@pytest.mark.parametrize(("every", "sign"), [(1, "step"), (100_000, "Ends at")])
def test_ctrl_c_saves_and_says_how_to_go_on(place, photo_folder, every, sign):
    """Whether each step has a row and a checkpoint of its own or none has."""
    arguments = ("--data", f"dir:{photo_folder}", "--set", "steps=100000", "--set", f"checkpoint_every={every}")
    run = f"interrupted{every}"
    with cpc_keras_running("pretrain", "small.py", *arguments, "--run", run, cwd=place) as process:
        for line in process.stdout:
            if line.startswith(sign):
                break
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    step = RunFolder(place / run).checkpoint_steps()[-1]
    assert step and error.strip() == f"cpc-keras: stopped; step {step} is saved, and the same command goes on from it"

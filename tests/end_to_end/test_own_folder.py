"""A folder of unlabelled images and a CSV that labels a few: not square, not balanced, not clean."""

import csv
import json
import shutil
import signal
import time

import keras
import numpy as np
import pytest
from PIL import Image

from tests.commands import RECIPE, cpc_keras, cpc_keras_running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, photographs):
    """Pieces of two photographs, 60 of them, of which 30 carry a label: 18 sky, 8 flower, 3 leaf, 1 rare."""
    place = tmp_path_factory.mktemp("own")
    (place / "images").mkdir()
    rng = np.random.default_rng(0)
    labels = ["sky"] * 18 + ["flower"] * 8 + ["leaf"] * 3 + ["rare"] + [""] * 30
    rows = []
    for index, label in enumerate(labels):
        picture = photographs[1] if label == "flower" else photographs[0]
        height, width = rng.integers(50, 90), rng.integers(90, 160)
        top = 0 if label == "sky" else 427 - height if label == "leaf" else int(rng.integers(0, 427 - height))
        left = int(rng.integers(0, 640 - width))
        name = f"piece{index}.{'jpg' if index % 2 else 'png'}"
        Image.fromarray(picture[top : top + height, left : left + width]).save(place / "images" / name)
        if label:
            rows.append((f"images/{name}", label))
    (place / "images" / "broken.jpg").write_bytes((place / "images" / "piece1.jpg").read_bytes()[:200])
    rows.append(("images/broken.jpg", "sky"))
    with open(place / "labels.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    text = RECIPE.replace("steps = 2", "steps = 8").replace("checkpoint_every = 1", "checkpoint_every = 2")
    text += "keep_checkpoints = 1\nkeep_milestones = True\nlabel_seeds = 1\nhead_blocks = 1\nhead_width = 16\n"
    (place / "small.py").write_text(text + "head_bottleneck = 4\nlabels_per_class = (2, 50)\n")
    cpc_keras("pretrain", "small.py", "--data", "dir:images", "--run", "run", cwd=place, code=0)
    return place


def records(place):
    return json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())


def untimed(found):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in found]


def test_the_first_second_and_fourth_checkpoint_stay(place):
    names = sorted(path.name for path in (place / "run" / "checkpoints").iterdir())
    assert names == [f"step-{step:08d}.keras" for step in (0, 2, 4, 8)]


def test_the_probe_sees_the_csv_alone_and_every_label_is_tested(place):
    arguments = ("evaluate", "run", "--labels", "labels.csv", "--methods", "linear,knn", "--checkpoints", "all")
    done = cpc_keras(*arguments, cwd=place, code=0)
    assert "have one labelled image only: 'rare'" in done.stdout
    assert "cross-validated over 5 folds of 29 images" in done.stdout
    assert "Classes are uneven, from 3 to 18 labelled images" in done.stdout
    assert "The smallest class has 3 images" in done.stdout
    assert "broken.jpg" in done.stdout
    found = records(place)
    assert {record["checkpoint"] for record in found if record["encoder"] == "cpc"} == {2, 4, 8}
    assert {record["labels"] for record in found} == {
        3,
        6,
        23,
    }  # one and two a class; all of the folds, 23.2 on average
    assert {record["split"] for record in found} == {"cross-validated, 5 folds of all"}
    named = {
        line
        for path in (place / "run" / "evaluation" / "subsets").glob("*.txt")
        for line in path.read_text().splitlines()
    }
    with open(place / "labels.csv", newline="") as file:
        listed = {str(place / row["path"]) for row in csv.DictReader(file)}
    assert {str(place / line) for line in named} <= listed
    assert len(list((place / "run" / "evaluation" / "subsets").glob("*-fold*.txt"))) == 3 * 5


def test_killed_in_mid_sweep_finished_results_stay(place):
    """SIGKILL, then the same command: finished results are as they were, the table is that of an uninterrupted run."""
    before = records(place)
    shutil.rmtree(place / "run" / "evaluation" / "features")
    for path in sorted(result_files(place), key=lambda path: path.stat().st_mtime_ns)[-8:]:
        path.unlink()
    arguments = ("evaluate", "run", "--labels", "labels.csv", "--methods", "linear,knn", "--checkpoints", "all")
    with cpc_keras_running(*arguments, cwd=place) as process:
        deadline = time.monotonic() + 300
        while len(finished_results(place)) < len(before) - 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    finished = finished_results(place)
    assert len(before) - 6 <= len(finished) < len(before)
    done = cpc_keras(*arguments, cwd=place, code=0, fresh=True)
    assert f"fits of {len(before) - len(finished)} new results" in done.stdout
    assert untimed(records(place)) == untimed(before)
    assert finished.items() <= finished_results(place).items()


def finished_results(place):
    """When each finished result was written."""
    return {path.name: path.stat().st_mtime_ns for path in result_files(place)}


def result_files(place):
    return (place / "run" / "evaluation" / "cells").glob("*/[!.]*.npz")


def test_another_encoder_on_the_same_curve(place):
    """A Keras application with random weights beside CPC; what was there before stays."""
    network = keras.applications.MobileNetV3Small(weights=None, include_top=False, input_shape=(64, 64, 3))
    network.save(place / "mobile.keras")
    before = records(place)
    arguments = ("--labels", "labels.csv", "--methods", "linear", "--labels-per-class", 2)
    cpc_keras("evaluate", "run", *arguments, "--encoder", "mobile.keras", "--encoder-range", "0,255", cwd=place, code=0)
    (new,) = [record for record in records(place) if record not in before]
    assert (new["encoder"], new["checkpoint"], new["labels"]) == ("mobile", None, 6)
    assert new["selected"]["pooling"] in ("mean", "grid2", "grid3")


def test_the_report_says_what_to_know(place):
    done = cpc_keras("report", "run", cwd=place, code=0)
    page = (place / "run" / "report" / "index.html").read_text()
    assert "On these images pre-training" in done.stdout
    assert "cross-validated balanced accuracy" in page
    for words in ("uneven", "There is no test split", "broken.jpg", "Learning dynamics", "Different data", "mobile"):
        assert words in page
    for name in ("summary.csv", "label_efficiency.csv", "dynamics.png", "confusion.png", "embedding.png", "picks.png"):
        assert (place / "run" / "report" / name).stat().st_size > 500, name


@pytest.mark.browser
def test_the_page_in_a_real_browser(place):
    """No console message, no request to the outside, every picture drawn; a phone scrolls pictures, not the page."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.fail("Chromium is missing: apt-get install chromium, or leave this out by -m 'not browser'")
    page_file = (place / "run" / "report" / "index.html").as_uri()
    said, asked = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(page_file)
        drawn = page.evaluate("[...document.images].map(one => one.complete && one.naturalWidth > 100)")
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        letters = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        page.screenshot(path=place / "phone.png", full_page=True)
        browser.close()
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [page_file]
    assert len(drawn) == 8 and all(drawn)
    assert widths[0] <= widths[1]
    assert letters >= 14
    assert (place / "phone.png").stat().st_size > 10_000

"""A folder of unlabelled images and a CSV that labels a few: not square, not balanced, not clean."""

import csv
import json
import re
import shutil
import signal
import time

import keras
import numpy as np
import pytest
from PIL import Image

from cpc_keras.evaluation.run_labels import unfinished
from cpc_keras.runs.folder import RunFolder
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
    # In four directions, for an encoder that tells a flower from the sky after eight steps.
    text = RECIPE.replace('directions = ("down", "left")\n', "")
    text = text.replace("steps = 2", "steps = 8").replace("checkpoint_every = 1", "checkpoint_every = 2")
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
    told = re.findall(r"^(\d+)/12 .*: .* % with 1 a class", done.stdout, re.MULTILINE)
    assert list(map(int, told)) == [*range(1, 13)]  # two methods on three checkpoints and three baselines
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
    assert "of 12 rows, is under way or broke off" in unfinished(RunFolder(place / "run"))
    finished = finished_results(place)
    assert len(before) - 6 <= len(finished) < len(before)
    done = cpc_keras(*arguments, cwd=place, code=0, fresh=True)
    assert f"fits of {len(before) - len(finished)} new results" in done.stdout
    assert untimed(records(place)) == untimed(before)
    assert finished.items() <= finished_results(place).items()
    assert unfinished(RunFolder(place / "run")) == ""


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
    assert len(drawn) == 9 and all(drawn)
    assert widths[0] <= widths[1]
    assert letters >= 14
    assert (place / "phone.png").stat().st_size > 10_000


def keys(page, text):
    for key in text:
        page.keyboard.press("Space" if key == " " else key)


@pytest.mark.browser
def test_images_are_chosen_labelled_by_keys_and_evaluated_with(place):
    """The road of one's own images: select, the page in a browser, closed and opened again, labels.csv, evaluate."""
    from playwright.sync_api import sync_playwright

    done = cpc_keras("select", "run", "--count", 22, cwd=place, code=0)
    folder = place / "run" / "selection" / "typical-22"
    assert "Chosen: 22 images, in run/selection/typical-22/to_label.csv" in done.stdout
    with open(folder / "to_label.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == [""] * 22
    assert {row["path"] for row in rows} <= {str(path) for path in (place / "images").iterdir()}
    asked, said = [], []
    with sync_playwright() as playwright:
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        # A context whose storage outlives its pages, as that of a browser does.
        browser = playwright.chromium.launch_persistent_context(
            str(place / "profile"), executable_path=executable, args=["--no-sandbox"], accept_downloads=True
        )

        def opened(width):
            page = browser.new_page()
            page.set_viewport_size({"width": width, "height": 844})
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto((folder / "label.html").as_uri())
            return page

        page = opened(1200)
        assert page.inner_text("#said").endswith("22 left. First name the classes.")
        assert page.is_disabled("#save") and page.is_disabled("#undo")
        for name in ("sky, blue", 'the "ground"', "rare"):
            page.fill("#new", name)
            page.keyboard.press("Enter")
        assert page.inner_text("#classes").split("\n")[:3] == ["1", "sky, blue", "0"]
        keys(page, "12 3")  # two labels, one that is skipped, one that is undone
        page.keyboard.press("Backspace")
        assert page.inner_text("#said") == "2 labelled, 1 skipped, 19 left."
        page.close()
        page = opened(390)
        assert page.inner_text("#said") == "2 labelled, 1 skipped, 19 left."
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1]
        drawn = page.evaluate("[...document.images].map(one => one.complete && one.naturalWidth > 10)")
        assert len(drawn) == 22 + 1 + 5 and all(drawn)
        keys(page, "12" * 9 + "1")
        page.keyboard.press("ArrowLeft")
        assert "All done" in page.inner_text("#next") and "cpc-keras evaluate run --labels" in page.inner_text("#next")
        page.click("#classes button[aria-label='remove the class rare']")
        with page.expect_download() as download:
            page.click("#save")
        download.value.save_as(place / "mine.csv")
        browser.close()
    assert said == [] and {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
    with open(place / "mine.csv", newline="") as file:
        labelled = list(csv.DictReader(file))
    assert [row["path"] for row in labelled] == [row["path"] for place_, row in enumerate(rows) if place_ != 2]
    assert {row["label"] for row in labelled} == {"sky, blue", 'the "ground"'}
    methods = ("--methods", "linear,propagated", "--labels-per-class", 2, "--select", "typical")
    done = cpc_keras("evaluate", "run", "--labels", "mine.csv", *methods, cwd=place, code=0)
    assert "CPC, frozen, propagated labels" in done.stdout
    found = [record for record in records(place) if record["method"] == "propagated"]
    assert {record["encoder"] for record in found} == {"cpc", "untrained", "pixels", "handmade"}
    assert all(record["selected"]["shares"] == "free" for record in found)
    assert {record["selection"] for record in found} == {None, "typical"}
    assert "With 4 typical images in place of drawn ones" in done.stdout
    cpc_keras("report", "run", cwd=place, code=0)
    written = (place / "run" / "report" / "index.html").read_text()
    assert "CPC, frozen, propagated labels, typical images" in written
    assert "With 4 typical images in place of drawn ones" in written
    cpc_keras("select", "run", "--count", 5, "--already", "mine.csv", "--by", "uncertain", cwd=place, code=0)
    with open(place / "run" / "selection" / "uncertain-5-after-21" / "to_label.csv", newline="") as file:
        later = {row["path"] for row in csv.DictReader(file)}
    assert later and not later & {row["path"] for row in labelled}


@pytest.mark.browser
def test_copies_and_wrong_labels_are_found(place):
    """Two images that are there twice, and a flower that is labelled sky."""
    from playwright.sync_api import sync_playwright

    shutil.copytree(place / "images", place / "more")
    shutil.copy(place / "images" / "piece2.png", place / "more" / "again.png")
    Image.open(place / "images" / "piece40.png").save(place / "more" / "smaller file.jpg", quality=70)
    text = (place / "labels.csv").read_text().replace("images/piece19.jpg,flower", "images/piece19.jpg,sky")
    (place / "wrong.csv").write_text(text)
    arguments = ("inspect", "run", "--data", "dir:more", "--labels", "wrong.csv")
    done = cpc_keras(*arguments, cwd=place, code=0)
    folder = place / "run" / "inspection"
    said = re.search(r"Copies: (\d+) images in (\d+) groups, each of one picture\.", done.stdout)
    assert "of 29, the most doubtful first.\n" in done.stdout  # of 30, the only one of its class cannot be held out
    assert done.stdout.endswith(
        "Page: run/inspection/inspection.html, list: run/inspection/inspection.csv\nNext: look at the page, correct "
        "what is wrong in wrong.csv, then cpc-keras evaluate run --labels wrong.csv\n"
    )
    with open(folder / "inspection.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    groups = {}
    for row in rows:
        groups.setdefault((row["issue"], row["group"]), set()).add(row["path"].rpartition("/")[2])
    copies = [names for (issue, _), names in groups.items() if issue == "copy"]
    assert {"again.png", "piece2.png"} in copies and {"smaller file.jpg", "piece40.png"} in copies
    assert [int(number) for number in said.groups()] == [sum(map(len, copies)), len(copies)]
    assert len(copies) <= 6  # pieces of one sky may be nearly the same
    wrong = [row for row in rows if row["issue"] == "label"]
    (own,) = [row for row in wrong if row["path"].endswith("piece19.jpg")]
    assert (own["label"], own["suggested"]) == ("sky", "flower") and float(own["score"]) < 0.5
    asked, errors = [], []
    with sync_playwright() as playwright:
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_viewport_size({"width": 390, "height": 844})
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((folder / "inspection.html").as_uri())
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1]
        assert page.locator("h2").all_inner_texts() == ["Labels to look at again", "Copies", "Unlike all others"]
        assert page.locator("#copies li").count() == len(copies)
        assert page.locator("#labels li").count() == len(wrong)
        browser.close()
    assert errors == [] and {url.partition(":")[0] for url in asked} <= {"file", "data"}
    done = cpc_keras("inspect", "run", cwd=place, code=0)  # in place of the first one, and without labels
    assert "Labels: none to examine" in done.stdout
    done = cpc_keras("inspect", "run", "--out", "images", cwd=place, code=2)
    assert "`--out` must be a new folder" in done.stderr and done.stderr.count("\n") == 1


def test_what_cannot_be_selected_is_refused(place):
    for arguments, words in (
        (("--count", 5, "--by", "uncertain"), "`--by uncertain` needs `--already`"),
        (("--count", 5, "--out", "images"), "`--out` must be a new folder"),
        (("--count", 0), "--count"),
        (("--count", 5, "--already", "none.csv"), "must name an existing CSV file"),
    ):
        done = cpc_keras("select", "run", *arguments, cwd=place, code=2)
        assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr

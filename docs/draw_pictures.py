"""Draws the pictures of README and pages from a run: no picture here is made by hand.

`python docs/draw_pictures.py runs/demo` (or `make pictures`) takes those of the run's report and a screenshot of its
labelling page. The run is to be one of `fashion_mnist`; what its evaluation lacks is computed first, in some minutes.
"""

import argparse
import csv
import pathlib
import shutil
import subprocess
import sys
import tempfile

from PIL import Image
from playwright.sync_api import sync_playwright

from cpc_keras.cli.console import open_console
from cpc_keras.data import open_source
from cpc_keras.data.budgets import Budget
from cpc_keras.evaluation.evaluate import evaluate
from cpc_keras.report.report import write_report

PICTURES = pathlib.Path(__file__).parent / "pictures"
# Of the report, by their names there.
DRAWN = ("label_efficiency", "dynamics", "embedding", "picks", "patches", "neighbours")
# Pixels of the labelling page, and images that are labelled in it.
_SIZE, _LABELLED = {"width": 1000, "height": 800}, 8


def command(*words):
    """Runs `cpc-keras`."""
    subprocess.run([sys.executable, "-m", "cpc_keras", *map(str, words)], check=True)


def evaluated(run):
    """What the pictures show beside the demo's own evaluation."""
    console = open_console()
    few, ends = ([Budget("per_class", count) for count in counts] for counts in ((2, 5, 10, 20), (2, 20)))
    evaluate(run, console, budgets=few, seeds=3, methods=("linear",), baselines=("untrained", "pixels"))
    evaluate(run, console, budgets=few, seeds=3, methods=("propagated",), baselines=(), selection="typical")
    evaluate(run, console, budgets=ends, seeds=3, methods=("supervised",), baselines=())
    evaluate(run, console, budgets=[few[2]], seeds=3, methods=("linear",), baselines=(), every_checkpoint=True)
    write_report(run, console)


def labelling_page(run, picture):
    """A screenshot of the page that `select` writes, with the first images labelled by keys."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as browsers:
        selection = pathlib.Path(folder, "selection")
        command("select", run, "--count", 200, "--out", selection)
        with open(selection / "to_label.csv", newline="", encoding="utf-8") as file:
            chosen = [pathlib.Path(row["path"]).stem for row in csv.DictReader(file)]
        garments = open_source("tfds:fashion_mnist@train")
        keys = dict(zip(range(10), "123456789a", strict=True))
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = browsers.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport=_SIZE)
        page.goto((selection / "label.html").as_uri())
        for name in garments.class_names:
            page.fill("#new", name)
            page.keyboard.press("Enter")
        for name in chosen[:_LABELLED]:
            page.keyboard.press(keys[int(garments.labels[int(name)])])
        page.screenshot(path=picture)
        browser.close()


def smaller(source, target):
    """A picture in at most 256 colors, for a page."""
    with Image.open(source) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(target, optimize=True)


def main():
    """Draws them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path, help="folder of the run")
    run = parser.parse_args().run
    evaluated(run)
    PICTURES.mkdir(exist_ok=True)
    for name in DRAWN:
        smaller(run / "report" / f"{name}.png", PICTURES / f"{name}.png")
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        labelling_page(run, file.name)
        smaller(file.name, PICTURES / "labelling_page.png")


if __name__ == "__main__":
    main()

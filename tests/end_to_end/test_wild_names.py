"""Classes, files, encoders and folders whose names are code somewhere."""

import csv
import json
import os
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from cpc_keras.storage.names import from_spreadsheet, unwritten
from cpc_keras.tables import as_html, as_markdown
from tests.commands import RECIPE, cpc_keras
from tests.wild_names import NAMES

pytestmark = pytest.mark.slow
RUN, ENCODER = "run $1_$ <i>", "a$1_$"


@pytest.fixture(scope="module")
def place(tmp_path_factory, photographs):
    """A run on a folder of classes of such names, evaluated beside an encoder, exported, with a report."""
    place = tmp_path_factory.mktemp("names")
    rng = np.random.default_rng(0)
    for name in NAMES:
        folder = place / "classes" / name
        folder.mkdir(parents=True)
        for index in range(4):
            top, left = int(rng.integers(0, 380)), int(rng.integers(0, 590))
            picture = photographs[index % 2][top : top + 40, left : left + 40]
            Image.fromarray(picture).save(folder / f"{os.fsdecode(bytes([0xE9]))}=[b]{index}.png")
    (place / "classes" / NAMES[0] / os.fsdecode(b"bad\x1b\xe9.png")).write_bytes(b"no picture")
    (place / "small.py").write_text(RECIPE + "labels_per_class = (2,)\nlabel_seeds = 1\n")
    layers = [keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)]
    keras.Sequential(layers).save(place / f"{ENCODER}.keras")
    return place


@pytest.fixture(scope="module")
def printed(place):
    """What each command prints."""
    evaluate = ("evaluate", RUN, "--methods", "linear", "--labels-per-class", "2")
    commands = {
        "pretrain": ("pretrain", "small.py", "--data", "classes:classes", "--run", RUN),
        "evaluate": (*evaluate, "--encoder", f"{ENCODER}.keras"),
        "report": ("report", RUN),
        "export": ("export", RUN, "a$1_$ <b>", "--with-head"),
        "predict": ("predict", "a$1_$ <b>", "--data", "classes:classes", "--out", "said.csv"),
        "embed": ("embed", "a$1_$ <b>", "--data", "classes:classes", "--out", "vectors.parquet"),
    }
    printed = {}
    for name, arguments in commands.items():
        done = cpc_keras(*arguments, cwd=place, code=0)
        assert done.stderr == ""
        printed[name] = done.stdout
    return printed


def test_nothing_that_is_printed_commands_a_terminal(printed):
    for text in printed.values():
        assert "\x1b" not in text and "\t" not in text and "\u202e" not in text
        assert "Warning" not in text
    assert r"bad\x1b\xe9.png: " in printed["pretrain"]
    assert f"{ENCODER}, linear probe" in printed["evaluate"]


def test_letters_that_no_font_has_are_said_once(printed):
    assert printed["report"].count("No font of this machine") in (0, 1)  # where there is a font for Chinese, it is used
    assert "Glyph" not in printed["report"]


def test_the_page_has_every_name_as_text(place, printed):
    page = (place / RUN / "report" / "index.html").read_text(encoding="utf-8")
    for name in (*NAMES, RUN, f"{ENCODER}, linear probe"):
        assert as_html(name) in page, name
    assert "<b>x" not in page and "<i>" not in page and "\x1b" not in page
    pictures = {path.name for path in (place / RUN / "report").glob("*.png")}
    assert pictures >= {"confusion.png", "embedding.png", "label_efficiency.png", "neighbours.png"}


def test_the_card_has_every_name_as_text(place, printed):
    card = (place / "a$1_$ <b>" / "README.md").read_text(encoding="utf-8")
    told = json.loads((place / "a$1_$ <b>" / "model.json").read_text())
    assert sorted(map(unwritten, told["head"]["class_names"])) == sorted(NAMES)
    assert all(as_markdown(name) in card for name in told["head"]["class_names"])
    assert card.startswith("# a\\$1\\_\\$ &lt;b&gt;: a CPC image encoder")


def test_tables_for_people_hold_no_formula_and_lead_back(place, printed):
    files = [place / "said.csv", place / RUN / "bad_files.csv", *(place / RUN / "report").glob("*.csv")]
    rows = {}
    for file in files:
        with open(file, encoding="utf-8", newline="") as opened:
            rows[file.name] = list(csv.DictReader(opened))
        assert not [one for row in rows[file.name] for one in row.values() if one.startswith(("=", "+", "@", "\t"))]
    assert {from_spreadsheet(row["class"]) for row in rows["said.csv"]} <= set(NAMES)
    assert len(rows["said.csv"]) == 4 * len(NAMES)
    assert all((place / unwritten(row["path"])).is_file() for row in rows["said.csv"] + rows["bad_files.csv"])
    assert ENCODER in {row["encoder"] for row in rows["label_efficiency.csv"]}


def test_a_list_that_was_written_is_read_again(place, printed):
    (listed,) = (place / RUN / "evaluation" / "subsets").glob("per_class-2-*.txt")
    shutil.copy(listed, place / "=1+1 $a$.txt")
    again = ("evaluate", RUN, "--methods", "linear", "--subset", "=1+1 $a$.txt")
    cpc_keras(*again, cwd=place, code=0)
    names = {path.name for path in (place / RUN / "evaluation" / "subsets").glob("list-*.txt")}
    assert names == {"list-=1+1 $a$-seed0.txt"}
    assert (place / RUN / "evaluation" / "subsets" / next(iter(names))).read_bytes() == listed.read_bytes()

import csv
import os
import pathlib

import pytest

from cpc_keras.storage import digests
from cpc_keras.storage.atomic import write_json, write_text
from cpc_keras.storage.names import (
    file_name,
    for_spreadsheet,
    from_spreadsheet,
    path_for_spreadsheet,
    table_for_spreadsheet,
    unwritten,
    written,
)
from cpc_keras.storage.results import ResultStore
from tests.wild_names import NAMES

OTHERS = (
    "",
    "'=1",
    "''",
    "-1",
    "+1",
    "-x",
    "\ud83d",
    "@cat",
    "＝1+1",
    "\r=1",
)


@pytest.mark.parametrize("name", [*NAMES, *OTHERS])
def test_what_is_written_is_utf_8_and_leads_back(name):
    assert len(written(name).encode().decode().splitlines()) <= 1
    assert unwritten(written(name)) == name
    assert written(written(name)) == written(name)
    assert from_spreadsheet(for_spreadsheet(name)) == name


@pytest.mark.parametrize("name", ["cat.png", "a b", "café", "猫", "=1+1", r"C:\cats", "[1]", "a'b"])
def test_most_names_are_written_as_they_are(name):
    assert written(name) == name


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cat", "'+cat"),
        ("-cat", "'-cat"),
        ("@cat", "'@cat"),
        ("\t=1", "'\t=1"),
        ("\n=1", r"\x0a=1"),
        ("＝1", "'＝1"),
        ("-1", "-1"),
        ("+1.5e-3", "+1.5e-3"),
        ("-1+1", "'-1+1"),
        ("cat=1", "cat=1"),
    ],
)
def test_no_cell_is_a_formula(text, cell):
    assert for_spreadsheet(text) == cell


@pytest.mark.parametrize("name", ["=1+1", "-cat", "@cat", "cats"])
def test_a_path_in_a_cell_still_leads_to_its_file(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path(name).touch()
    cell = path_for_spreadsheet(name)
    assert cell[0] not in "=+-@"
    assert pathlib.Path(cell).is_file()


def test_a_table_of_names_is_read_again(tmp_path):
    table = {"path": [f"{name}/1.png" for name in NAMES], "class": NAMES, "probability": [0.5] * len(NAMES)}
    file = tmp_path / "said.csv"
    table_for_spreadsheet(table).to_csv(file, index=False)
    with open(file, encoding="utf-8", newline="") as opened:
        rows = list(csv.reader(opened))[1:]
    assert not [cell for row in rows for cell in row if cell[0] in "=+-@\t"]
    assert [from_spreadsheet(row[1]) for row in rows] == list(NAMES)
    assert [os.path.normpath(unwritten(row[0])) for row in rows] == table["path"]
    assert {row[2] for row in rows} == {"0.5"}


@pytest.mark.parametrize("name", ["resnet", "ResNet-50 v1.5", "猫", "list-a", "a$1_$"])
def test_what_can_be_a_file_keeps_its_name(name):
    assert file_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["../up", "a/b", "a:b", "con", "NUL.txt", "", "..", "n" * 300, "猫" * 100, "caf\udce9", "a\nb", "end. ", "a?"],
)
def test_what_cannot_be_is_named_otherwise_and_apart(name, tmp_path):
    called = file_name(name)
    assert called != name and called != file_name(name + "x")
    assert len(called.encode()) <= 130
    (tmp_path / f"{called}.txt").touch()
    assert [path.name for path in tmp_path.iterdir()] == [f"{called}.txt"]


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_is_kept_takes_every_name(name, tmp_path):
    store = ResultStore(tmp_path / "cells")
    key = f"linear-{name}-seed0"
    store.save(key, "digest", {"encoder": name})
    assert store.load(key, "digest") == ({"encoder": name}, {})
    assert store.everything() == [({"encoder": name}, {})]
    folder = tmp_path / name
    write_text(folder / "list.txt", name)
    write_json(folder / "names.json", [name])
    assert len(list(folder.iterdir())) == 2
    assert len({digests.of_lines([one]) for one in (name, f"{name}x", written(name) + "y")}) == 3
    assert digests.of_json(name) != digests.of_json(f"{name}x")


def test_a_name_that_fills_a_file_system_can_be_written(tmp_path):
    file = tmp_path / f"{'n' * 251}.txt"
    write_text(file, "text")
    assert list(tmp_path.iterdir()) == [file]

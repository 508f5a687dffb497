import json
import shutil
import zipfile

import numpy as np
import pytest

from cpc_keras.storage.reading import check_kinds
from cpc_keras.storage.results import ResultStore

PREDICTED = np.arange(1000)


def check(record, arrays):
    check_kinds(record, top1=int | float)
    if len(arrays["predicted"]) != 1000:
        raise ValueError("it is of other images")


@pytest.fixture
def store(tmp_path):
    store = ResultStore(tmp_path, check=check)
    store.save("one", "digest", {"top1": 0.5}, predicted=PREDICTED)
    store.save("two", "digest", {"top1": 0.75}, predicted=PREDICTED)
    return store


def rewritten(file, **changes):
    with np.load(file) as kept:
        arrays = {name: kept[name] for name in kept.files} | changes
    np.savez(file, **{name: value for name, value in arrays.items() if value is not None})


def saved(file, array):
    with open(file, "wb") as opened:
        np.save(opened, array, allow_pickle=True)


def turned(file, place):
    """One bit of a byte turned."""
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 16
    file.write_bytes(content)


DAMAGE = {
    "emptied": lambda file: file.write_bytes(b""),
    "cut": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "a turned bit": lambda file: turned(file, 0.7),
    "zeros": lambda file: file.write_bytes(b"\0" * file.stat().st_size),
    "text": lambda file: file.write_text("no archive"),
    "a pickle": lambda file: saved(file, np.array([{}])),
    "one array": lambda file: saved(file, PREDICTED),
    "another archive": lambda file: zipfile.ZipFile(file, "w").close(),
    "without a record": lambda file: rewritten(file, record=None),
    "a record of fewer fields": lambda file: rewritten(file, record=json.dumps({})),
    "no number": lambda file: rewritten(file, record=json.dumps({"top1": float("nan")})),
    "a list for a record": lambda file: rewritten(file, record="[1]"),
    "without its arrays": lambda file: rewritten(file, predicted=None),
    "of other images": lambda file: rewritten(file, predicted=np.arange(3)),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_an_unreadable_result_is_missing_and_is_computed_again(kind, store, tmp_path, capsys):
    DAMAGE[kind](tmp_path / "one.npz")
    assert store.load("one", "digest") is None
    assert [record for record, _ in store.everything()] == [{"top1": 0.75}]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"Note: {tmp_path / 'one.npz'} cannot be read (")
    store.save("one", "digest", {"top1": 0.25}, predicted=PREDICTED)
    assert store.load("one", "digest")[0] == {"top1": 0.25}
    assert [record["top1"] for record, _ in store.everything()] == [0.25, 0.75]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.npz", "two.npz"]


def test_a_result_of_something_else_is_missing_without_a_word(store, tmp_path, capsys):
    shutil.copy(tmp_path / "one.npz", tmp_path / "three.npz")
    rewritten(tmp_path / "one.npz", record="{}")
    assert store.load("three", "another") is None
    assert store.load("one", "another") is None and store.record("one", "another") is None
    assert capsys.readouterr().out == ""


def test_the_record_alone(store):
    assert store.record("one", "digest") == {"top1": 0.5}
    assert store.record("none", "digest") is None

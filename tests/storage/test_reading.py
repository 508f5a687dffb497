import math

import pytest

from cpc_keras.storage.atomic import write_json
from cpc_keras.storage.reading import check_kinds, read_json, readable


def test_what_is_missing_is_not_worth_a_word(tmp_path, capsys):
    assert read_json(tmp_path / "none.json") is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"\x00" * 10])
def test_what_cannot_be_read_is_missing_and_is_said_once(content, tmp_path, capsys):
    path = tmp_path / "unit.json"
    path.write_bytes(content)
    assert read_json(path) is None
    assert read_json(path) is None
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"Note: {path} cannot be read (") and line.endswith(") and counts as missing.")


def test_a_folder_in_the_place_of_a_file_is_missing_too(tmp_path, capsys):
    (tmp_path / "unit.json").mkdir()
    assert read_json(tmp_path / "unit.json") is None
    assert "Is a directory" in capsys.readouterr().out


def test_what_comes_back_is_what_was_written(tmp_path):
    write_json(tmp_path / "unit.json", {"a": [1, None]})
    assert read_json(tmp_path / "unit.json", lambda content: check_kinds(content, a=list)) == {"a": [1, None]}


def test_errors_of_many_lines_are_told_in_one(tmp_path, capsys):
    def fail(path):
        raise RuntimeError("first\nsecond")

    assert readable(tmp_path, fail) is None
    assert capsys.readouterr().out == f"Note: {tmp_path} cannot be read (first) and counts as missing.\n"


@pytest.mark.parametrize(
    ("content", "kinds", "words"),
    [
        ([], {}, r"holds no dictionary but \[\]"),
        ({}, {"a": int}, "has no a"),
        ({"a": "1"}, {"a": int}, "its a is '1'"),
        ({"a": True}, {"a": int}, "its a is True"),
        ({"a": 1}, {"a": bool}, "its a is 1"),
        ({"a": math.nan}, {"a": int | float}, "its a is nan"),
        ({"a": -math.inf}, {"a": int | float | None}, "its a is -inf"),
        ({"a": None}, {"a": dict}, "its a is None"),
        ({"a": "x" * 1000}, {"a": int}, r"its a is '.{1,40}'$"),
    ],
)
def test_other_kinds_are_told(content, kinds, words):
    with pytest.raises(ValueError, match=words):
        check_kinds(content, **kinds)


def test_kinds_that_fit():
    check_kinds({"a": 1, "b": None, "c": True, "d": 0.5, "more": 1}, a=int | float, b=int | None, c=bool, d=float)

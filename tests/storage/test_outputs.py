import contextlib

import pytest

from cpc_keras.errors import InputError
from cpc_keras.storage.outputs import atomic_output

MARKS = ("saved_model.pb", "model.json")


def test_nothing_is_there_until_all_is(tmp_path):
    out = tmp_path / "new" / "out.csv"
    with atomic_output(out) as partial:
        partial.write_text("half")
        assert not out.exists()
    assert out.read_text() == "half"
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize("folder", [True, False])
def test_what_fails_leaves_the_older_one(folder, tmp_path):
    out = tmp_path / "out"
    for text in ("old", "new"):
        try:
            with atomic_output(out, MARKS if folder else ()) as partial:
                where = partial
                if folder:
                    partial.mkdir()
                    (partial / "model.json").write_text("")
                    where = partial / "saved_model.pb"
                where.write_text(text)
                if text == "new":
                    raise RuntimeError
        except RuntimeError:
            pass
    assert ((out / "saved_model.pb") if folder else out).read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_an_older_folder_goes_as_a_whole(tmp_path):
    for names in ((*MARKS, "leftover"), MARKS):
        with atomic_output(tmp_path / "out", MARKS) as partial:
            partial.mkdir()
            for name in names:
                (partial / name).write_text("")
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(MARKS)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_model_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "saved_model.pb").write_text("theirs")
    with (
        pytest.raises(InputError, match="`DEST` must be a new folder or an older export"),
        atomic_output(tmp_path, MARKS) as partial,
    ):
        partial.mkdir()
    assert (tmp_path / "saved_model.pb").read_text() == "theirs"


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for text in ("old", "new"):
        with atomic_output(tmp_path / "link", MARKS) as partial:
            partial.mkdir()
            for name in MARKS:
                (partial / name).write_text(text)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "model.json").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_the_older_one_comes_back_where_the_new_one_cannot_take_its_place(tmp_path):
    (tmp_path / "out").mkdir()
    for name in MARKS:
        (tmp_path / "out" / name).write_text("old")
    with (
        pytest.raises(InputError, match="`DEST` must be a folder that can be written to"),
        atomic_output(tmp_path / "out", MARKS),
    ):
        pass  # writes nothing
    assert (tmp_path / "out" / "model.json").read_text() == "old"
    # Killed between the two renamings, it was left aside.
    (tmp_path / "out").rename(tmp_path / ".out.older")
    with contextlib.suppress(RuntimeError), atomic_output(tmp_path / "out", MARKS):
        raise RuntimeError
    assert (tmp_path / "out" / "model.json").read_text() == "old"


def test_says_what_is_wrong(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match="`DEST` must be a new folder or an older export. Received: .*file"),
        atomic_output(tmp_path / "file", MARKS),
    ):
        pass
    with (
        pytest.raises(InputError, match="`--out` must be a file. Received: .*, a folder"),
        atomic_output(tmp_path, argument="--out"),
    ):
        pass
    with (
        pytest.raises(InputError, match="`DEST` must be a folder that can be written to. Received: .*"),
        atomic_output(tmp_path / "file" / "out", MARKS),
    ):
        pass

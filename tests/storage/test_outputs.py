import contextlib
import os
import subprocess

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
    assert sorted(path.name for path in out.parent.iterdir()) == [".out.csv.sha256", "out.csv"]


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
    assert [path for path in tmp_path.iterdir() if path.suffix != ".sha256"] == [out]


def test_an_older_folder_goes_as_a_whole(tmp_path):
    for names in ((*MARKS, "leftover"), MARKS):
        with atomic_output(tmp_path / "out", MARKS) as partial:
            partial.mkdir()
            for name in names:
                (partial / name).write_text("")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*MARKS, "SHA256SUMS"}
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


def write(out, text="new"):
    with atomic_output(out, argument="--out") as partial:
        partial.write_text(text)


def export(out, text="new"):
    with atomic_output(out, MARKS) as partial:
        (partial / "variables").mkdir(parents=True)
        for name in (*MARKS, "README.md", "variables/variables.index"):
            (partial / name).write_text(text)


def test_what_an_earlier_call_wrote_is_replaced(tmp_path):
    for number in range(4):
        write(tmp_path / "out.csv", f"path,class,probability\na.png,cat,0.{number}")
        export(tmp_path / "model", f"{number}")
    assert (tmp_path / "out.csv").read_text().endswith("0.3")
    assert (tmp_path / "model" / "model.json").read_text() == "3"
    (tmp_path / "empty").mkdir()
    export(tmp_path / "empty")


@pytest.mark.parametrize("before", [None, "path,class,probability\na.png,cat,0.9000\n"])
def test_a_file_of_somebody_else_is_left_alone(before, tmp_path):
    """Whatever it looks like, and so is what was written here and corrected by hand."""
    out = tmp_path / "labels.csv"
    if before:
        write(out, before)
    out.write_text("path,class,probability\na.png,dog,0.9000\n")
    with pytest.raises(InputError, match="`--out` must be a new file, or one that an earlier call"):
        write(out)
    assert out.read_text() == "path,class,probability\na.png,dog,0.9000\n"


def test_an_older_one_that_was_put_back_is_known(tmp_path):
    """As where the power failed after the new list and before the new file."""
    write(tmp_path / "out.csv", "old")
    write(tmp_path / "out.csv", "new")
    (tmp_path / "out.csv").write_text("old")
    write(tmp_path / "out.csv", "newest")
    assert (tmp_path / "out.csv").read_text() == "newest"


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("name", ["notes.txt", "variables/mine.npy", ".hidden"])
def test_an_export_with_files_of_the_users_is_left_alone(name, listed, tmp_path):
    """One of an earlier version has no list of what was written."""
    out = tmp_path / "model"
    export(out)
    if not listed:
        (out / "SHA256SUMS").unlink()
    (out / ".DS_Store").write_text("of the system")
    export(out)
    if not listed:
        (out / "SHA256SUMS").unlink()
    (out / name).write_text("mine")
    with pytest.raises(InputError, match=f"that nobody has changed since. Received: .*model, where {name} is not what"):
        export(out)
    assert (out / name).read_text() == "mine"


def test_a_card_that_was_rewritten_is_left_alone(tmp_path):
    export(tmp_path / "model")
    (tmp_path / "model" / "README.md").write_text("in my words")
    with pytest.raises(InputError, match="where README.md is not what an export wrote"):
        export(tmp_path / "model")


def test_the_lists_are_such_as_other_programs_check(tmp_path):
    write(tmp_path / "out.csv", "old")
    write(tmp_path / "out.csv")
    export(tmp_path / "model")
    for folder, name in ((tmp_path, ".out.csv.sha256"), (tmp_path / "model", "SHA256SUMS")):
        subprocess.run(["sha256sum", "--check", "--strict", name], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("name", ["a [1].csv", "two\nlines.csv", os.fsdecode(b"caf\xe9.csv")])
def test_any_name_serves(name, tmp_path):
    write(tmp_path / name, "old")
    write(tmp_path / name)
    (tmp_path / name).write_text("changed")
    with pytest.raises(InputError):
        write(tmp_path / name)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "out.csv")
    with pytest.raises(InputError, match="must be a new file"):
        write(tmp_path / "out.csv")

import json
import os

import pytest

from cpc_keras.storage.atomic import atomic_write, write_gathered, write_text
from cpc_keras.storage.disk import DiskError
from tests.processes import finish, start

GATHER = """
import pathlib, sys
from cpc_keras.storage.atomic import write_gathered
folder, number = pathlib.Path(sys.argv[1]), int(sys.argv[2])
for count in range(8):
    (folder / f"{number}-{count}.txt").touch()
    write_gathered(folder / "all.json", lambda: sorted(path.name for path in folder.glob("[!.]*.txt")))
"""


@pytest.fixture
def written(monkeypatch):
    """What was brought to the disk, and what was renamed, in order."""
    order = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (order.append(os.readlink(f"/proc/self/fd/{file}")), sync(file)))
    monkeypatch.setattr(os, "replace", lambda old, new: (order.append(f"to {new}"), replace(old, new)))
    return order


def test_no_name_reaches_the_disk_before_what_it_names(written, tmp_path):
    write_text(tmp_path / "text", "a")
    partial, *named = written
    assert partial.startswith(str(tmp_path / ".text."))
    assert named == [f"to {tmp_path / 'text'}", str(tmp_path)]
    written.clear()
    for _ in range(2):
        with atomic_write(tmp_path / "folder") as partial:
            (partial / "variables").mkdir(parents=True)
            (partial / "variables" / "data").write_text("1")
        last = written.index(f"to {tmp_path / 'folder'}")
        assert {str(partial / "variables" / "data"), str(partial / "variables"), str(partial)} <= {*written[:last]}
        assert written[last + 1 :] == [str(tmp_path)]
        written.clear()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "text"]


def test_what_is_there_stays_where_nothing_was_written(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").write_text("")
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "folder"):
        pass
    assert (tmp_path / "folder" / "kept").is_file()


@pytest.mark.slow
def test_what_several_processes_gather_is_whole_whoever_ends_last(tmp_path):
    finish([start("-c", GATHER, tmp_path, number) for number in range(3)])
    listed = json.loads((tmp_path / "all.json").read_text())
    assert listed == sorted(f"{number}-{count}.txt" for number in range(3) for count in range(8))
    assert len(list(tmp_path.iterdir())) == 25


def test_gathers_until_nothing_new_has_come(tmp_path):
    found = [[], ["a"], ["a", "b"], ["a", "b"]]
    write_gathered(tmp_path / "all.json", lambda: found.pop(0))
    assert json.loads((tmp_path / "all.json").read_text()) == ["a", "b"]


def test_a_file_that_a_disk_refuses_leaves_what_was_there(tmp_path):
    (tmp_path / "file").write_text("before")
    with pytest.raises(DiskError, match="No space left"), atomic_write(tmp_path / "file") as partial:
        partial.write_text("half")
        raise RuntimeError("write failed: No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "before"

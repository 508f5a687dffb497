import os

import pytest

from cpc_keras.storage.atomic import atomic_write, write_text


@pytest.fixture
def written(monkeypatch):
    """What was brought to the disk, and what was renamed, in order."""
    order = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (order.append(os.readlink(f"/proc/self/fd/{file}")), sync(file)))
    monkeypatch.setattr(os, "replace", lambda old, new: (order.append(f"to {new}"), replace(old, new)))
    return order


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="the names of open files are asked of Linux")
def test_no_name_reaches_the_disk_before_what_it_names(written, tmp_path):
    write_text(tmp_path / "text", "a")
    partial = tmp_path / f".text.{os.getpid()}.partial"
    assert written == [str(partial), f"to {tmp_path / 'text'}", str(tmp_path)]
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

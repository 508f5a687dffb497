import os

import numpy as np
import pytest
from PIL import Image

from cpc_keras.data import known_files, open_source, prepare
from cpc_keras.data.images import read_size


@pytest.fixture
def folder(tmp_path, photographs, monkeypatch):
    """Six images, as many as are worth remembering here, and a cache of their own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(known_files, "_MANY", 6)
    (tmp_path / "images").mkdir()
    for index in range(6):
        Image.fromarray(photographs[0][:20, : 30 + index]).save(tmp_path / "images" / f"{index}.png")
    return tmp_path / "images"


@pytest.fixture
def opened(monkeypatch):
    """Names of the files whose headers are read."""
    names = []
    monkeypatch.setattr(
        "cpc_keras.data.sources.read_size",
        lambda path, max_pixels: names.append(os.path.basename(path)) or read_size(path),
    )
    return names


def test_headers_are_read_once_until_a_file_changes(folder, opened, photographs):
    first = open_source(f"dir:{folder}")
    assert len(opened) == 6
    opened.clear()
    second = open_source(f"dir:{folder}")
    assert opened == []
    np.testing.assert_array_equal(first.sizes, second.sizes)
    Image.fromarray(photographs[0][:25, :40]).save(folder / "3.png")
    third = open_source(f"dir:{folder}")
    assert opened == ["3.png"]
    assert third.sizes[3].tolist() == [25, 40, 3]


def test_a_file_that_is_bad_is_looked_at_again(folder, opened):
    whole = (folder / "3.png").read_bytes()
    (folder / "3.png").write_bytes(b"")
    assert len(open_source(f"dir:{folder}", max_bad_share=0.2)) == 5
    opened.clear()
    (folder / "3.png").write_bytes(whole)
    assert len(open_source(f"dir:{folder}")) == 6
    assert opened == ["3.png"]


def test_what_has_been_decoded_is_known_to_decode(folder):
    found = open_source(f"dir:{folder}")
    assert not found.verified
    before = prepare(found, 3, short_side=16)
    again = open_source(f"dir:{folder}")
    assert again.verified
    after = prepare(again, 3, short_side=16)
    np.testing.assert_array_equal(before.sizes, after.sizes)
    for index in range(6):
        np.testing.assert_array_equal(before.read(index), after.read(index))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no archive"])
def test_a_memory_that_cannot_be_read_is_none(folder, opened, content):
    open_source(f"dir:{folder}")
    (kept,) = (folder.parent / "cache").rglob("*.npz")
    kept.write_bytes(content)
    opened.clear()
    assert len(open_source(f"dir:{folder}")) == 6
    assert len(opened) == 6


def test_nothing_is_lost_where_it_cannot_be_kept(folder, monkeypatch):
    (folder.parent / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent / "file"))
    assert len(open_source(f"dir:{folder}")) == 6

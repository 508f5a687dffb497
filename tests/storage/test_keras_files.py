import zipfile

import h5py
import keras
import numpy as np
import pytest

from cpc_keras.storage.keras_files import copy_without, damage, is_complete, versions


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "model.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(path)
    return path


def changed(whole, path, name, content):
    """The archive with a member replaced, or left out if its content is `None`."""
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for member in source.namelist():
            if member != name:
                target.writestr(member, source.read(member))
            elif content is not None:
                target.writestr(member, content)
    return path


def test_a_whole_file_is_whole(whole):
    assert damage(whole) is None
    assert versions(whole) == f"written by Keras {keras.__version__}, read by {keras.__version__}"


def test_a_newer_one_is_whole_too(whole, tmp_path):
    path = changed(whole, tmp_path / "newer.keras", "metadata.json", '{"keras_version": "99.1"}')
    assert damage(path) is None
    assert versions(path) == f"written by Keras 99.1, read by {keras.__version__}"
    odd = changed(whole, tmp_path / "odd.keras", "metadata.json", "[]")
    assert versions(odd).startswith("written by Keras of an unknown version")


def test_broken_ones_are_told(whole, tmp_path):
    path = tmp_path / "broken.keras"
    content = whole.read_bytes()
    for broken in (b"", content[:100], content[:-100], b"\0" * len(content), b"no archive"):
        path.write_bytes(broken)
        assert damage(path)
    with zipfile.ZipFile(whole) as archive:
        inside = archive.getinfo("model.weights.h5").header_offset + 1000
    path.write_bytes(content[:inside] + bytes([content[inside] ^ 1]) + content[inside + 1 :])
    assert damage(path) == "model.weights.h5 in it is damaged"
    assert damage(changed(whole, path, "config.json", None)) == "it has no config.json"
    assert damage(changed(whole, path, "config.json", "{")).startswith("Expecting property name")
    with pytest.raises(OSError, match="No such file"):
        damage(tmp_path / "none.keras")


def test_a_copy_without_some_arrays_has_all_others(tmp_path):
    path, smaller = tmp_path / "model.keras", tmp_path / "smaller.keras"
    model = keras.Sequential([keras.Input((40,)), keras.layers.Dense(30), keras.layers.BatchNormalization()])
    model.compile("adam", "mse")
    model.fit(np.ones((8, 40)), np.ones((8, 30)), verbose=0)
    model.save(path)
    left_out = ["optimizer/vars/2", "optimizer/vars/4"]
    copy_without(path, smaller, left_out)
    assert damage(smaller) is None and versions(smaller) == versions(path)
    assert (is_complete(path), is_complete(smaller)) == (True, False)
    before, after = arrays(path), arrays(smaller)
    assert set(before) - set(after) == set(left_out)
    for name, values in after.items():
        np.testing.assert_array_equal(values, before[name])
    assert before["optimizer/vars/2"].size == 1200 and smaller.stat().st_size < path.stat().st_size - 4 * 1200
    assert list(tmp_path.iterdir()) in ([path, smaller], [smaller, path])


def arrays(path):
    """Those of a `.keras` file by name."""
    found = {}
    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as member, h5py.File(member) as file:
        file.visititems(lambda name, one: found.update({name: one[()]}) if isinstance(one, h5py.Dataset) else None)
    return found


def test_of_a_damaged_one_it_is_not_said_that_something_was_left_out(whole, tmp_path):
    assert is_complete(whole) and is_complete(tmp_path / "none.keras")
    path = tmp_path / "broken.keras"
    path.write_bytes(whole.read_bytes()[:1000])
    assert is_complete(path)

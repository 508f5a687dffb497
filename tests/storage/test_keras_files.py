import zipfile

import keras
import pytest

from cpc_keras.storage.keras_files import damage, versions


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

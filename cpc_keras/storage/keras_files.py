"""`.keras` files: whole or broken, by which Keras they were written, and how they are made smaller."""

import json
import shutil
import tempfile
import zipfile
from importlib import metadata

from cpc_keras.errors import first_line

_METADATA, _WEIGHTS = "metadata.json", "model.weights.h5"
_TEXTS = (_METADATA, "config.json")
# What `metadata.json` says of a file that `copy_without` has written.
_LEFT_OUT = "left_out"


def damage(path):
    """What is broken in a `.keras` file, in a few words; `None` if all of it is there.

    All of it is read, which takes a moment.

    Raises:
        OSError: If it cannot be opened, which says nothing of what it holds.
    """
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                missing = {*_TEXTS, _WEIGHTS} - set(archive.namelist())
                if missing:
                    return f"it has no {min(missing)}"
                for name in _TEXTS:
                    json.loads(archive.read(name))
                broken = archive.testzip()
                return f"{broken} in it is damaged" if broken else None
        except Exception as error:  # what is damaged fails anywhere
            return first_line(error)


def versions(path):
    """By which Keras a whole file was written and which one is here, in words.

    Example:

    >>> import keras, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "model.keras")
    >>> keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    >>> versions(path) == f"written by Keras {keras.__version__}, read by {keras.__version__}"
    True
    """
    with zipfile.ZipFile(path) as archive:
        told = json.loads(archive.read("metadata.json"))
    written = told.get("keras_version", "of an unknown version") if isinstance(told, dict) else "of an unknown version"
    return f"written by Keras {written}, read by {metadata.version('keras')}"


def copy_without(path, target, left_out):
    """Copies a `.keras` file without some of its arrays, which `is_complete` tells from then on.

    Args:
        path: The file.
        target: File to write.
        left_out: Names of the arrays in the file's HDF5 part, as `"optimizer/vars/1"`.

    Raises:
        OSError: If one of the files cannot be read or written.
    """
    import h5py

    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(target, "w") as smaller:
        for entry in archive.infolist():
            if entry.filename == _METADATA:
                smaller.writestr(entry, json.dumps({**json.loads(archive.read(entry)), _LEFT_OUT: sorted(left_out)}))
            elif entry.filename != _WEIGHTS:
                smaller.writestr(entry, archive.read(entry))
        with tempfile.TemporaryFile(dir=target.parent) as file:
            with archive.open(_WEIGHTS) as member, h5py.File(member) as arrays, h5py.File(file, "w") as fewer:
                _copy_group(arrays, fewer, set(left_out))
            file.seek(0)
            with smaller.open(_WEIGHTS, "w", force_zip64=True) as member:
                shutil.copyfileobj(file, member)


def _copy_group(group, copy, left_out):
    """Copies what is in a group of an HDF5 file, but for the arrays of these names."""
    copy.attrs.update(group.attrs)
    for name, inside in group.items():
        if hasattr(inside, "items"):
            _copy_group(inside, copy.create_group(name), left_out)
        elif inside.name.lstrip("/") not in left_out:
            group.copy(name, copy)


def is_complete(path):
    """Whether nothing was left out of a `.keras` file by `copy_without`; true of a damaged one too."""
    try:
        with zipfile.ZipFile(path) as archive:
            return not json.loads(archive.read(_METADATA)).get(_LEFT_OUT)
    except Exception:  # what is damaged fails anywhere
        return True

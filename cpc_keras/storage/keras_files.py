"""`.keras` files: whole or broken, and by which Keras they were written."""

import json
import zipfile
from importlib import metadata

from cpc_keras.errors import first_line

_TEXTS, _WEIGHTS = ("metadata.json", "config.json"), "model.weights.h5"


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

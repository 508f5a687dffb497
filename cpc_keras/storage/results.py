"""Finished pieces of a long evaluation on the disk, each in a file of its own that appears whole."""

import json
import os
import pathlib

import numpy as np


class CellFiles:
    """Finished cells: a record and arrays each.

    A cell is known again by what went into it. So an evaluation that is run again
    goes on where it was, and one of other settings begins anew.

    Args:
        folder: Where they go.
    """

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def load(self, name, digest):
        """`(record, arrays)` of a finished cell, or `None`.

        Args:
            name: Of the cell.
            digest: Of what goes into it.
        """
        path = self._path(name)
        if not path.is_file():
            return None
        with np.load(path) as file:
            return _content(file) if str(file["digest"]) == digest else None

    def save(self, name, digest, record, **arrays):
        """Keeps a finished cell.

        Args:
            name: Of the cell.
            digest: Of what went into it.
            record: What JSON can hold.
            **arrays: Arrays by name.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(name)
        partial = path.with_name(f".{name}.{os.getpid()}.partial")  # others may write the same
        with open(partial, "wb") as file:
            np.savez_compressed(file, digest=digest, record=json.dumps(record), **arrays)
        os.replace(partial, path)

    def everything(self):
        """`[(record, arrays)]` of every finished cell."""
        found = []
        for path in sorted(self.folder.glob("*.npz")):
            with np.load(path) as file:
                found.append(_content(file))
        return found

    def _path(self, name):
        return self.folder / f"{name}.npz"


def _content(file):
    arrays = {name: file[name] for name in file.files if name not in ("digest", "record")}
    return json.loads(str(file["record"])), arrays

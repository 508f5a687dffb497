"""The one store of finished results: units of a long work, each kept as soon as it is there."""

import json
import pathlib

import numpy as np

from cpc_keras.storage.atomic import atomic_write
from cpc_keras.storage.names import file_name


class ResultStore:
    """Finished results on the disk, a record and arrays each, in a file of its own.

    A result is known again by what went into it. So work that is run again goes
    on where it was, and work with other settings begins anew. Several processes
    may share a store.

    Args:
        folder: Where they go.
        compressed: Whether arrays are compressed, which takes longer.

    Example:

    >>> import tempfile
    >>> store = ResultStore(tempfile.mkdtemp())
    >>> store.save("knn-5", "of these labels", {"top1": 0.5}, predicted=np.array([3]))
    >>> store.load("knn-5", "of these labels")
    ({'top1': 0.5}, {'predicted': array([3])})
    >>> store.load("knn-5", "of other labels") is None
    True
    """

    def __init__(self, folder, compressed=True):
        self.folder = pathlib.Path(folder)
        self.compressed = compressed
        self._read: dict[pathlib.Path, tuple] = {}  # what a file was when it was read, and what it held

    def load(self, name, digest):
        """`(record, arrays)` of a finished result, or `None`.

        Args:
            name: Of the result.
            digest: Of what goes into it.
        """
        return self._of(name, digest, _content)

    def record(self, name, digest):
        """The record alone of a finished result, or `None`; its arrays are not read."""
        return self._of(name, digest, lambda file: json.loads(str(file["record"])))

    def _of(self, name, digest, part):
        path = self._path(name)
        if not path.is_file():
            return None
        with np.load(path) as file:
            return part(file) if str(file["digest"]) == digest else None

    def save(self, name, digest, record, **arrays):
        """Keeps a finished result.

        Args:
            name: Of the result.
            digest: Of what went into it.
            record: What JSON can hold.
            **arrays: Arrays by name.
        """
        write = np.savez_compressed if self.compressed else np.savez
        with atomic_write(self._path(name), shared=True) as partial, open(partial, "wb") as file:
            write(file, digest=digest, record=json.dumps(record), **arrays)

    def everything(self):
        """`[(record, arrays)]` of every finished result; of the files, those alone are read that are new."""
        for path in sorted(self.folder.glob("[!.]*.npz")):
            now = path.stat()
            state = now.st_mtime_ns, now.st_size, now.st_ino
            if self._read.get(path, (None,))[0] != state:
                with np.load(path) as file:
                    self._read[path] = state, _content(file)
        return [content for path, (_, content) in sorted(self._read.items()) if path.is_file()]

    def _path(self, name):
        return self.folder / f"{file_name(name, 180)}.npz"


def _content(file):
    arrays = {name: file[name] for name in file.files if name not in ("digest", "record")}
    return json.loads(str(file["record"])), arrays

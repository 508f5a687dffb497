"""The one store of finished results: units of a long work, each kept as soon as it is there."""

import contextlib
import json
import pathlib

import numpy as np

from cpc_keras.storage.atomic import atomic_write
from cpc_keras.storage.names import file_name
from cpc_keras.storage.reading import readable


class ResultStore:
    """Finished results on the disk, a record and arrays each, in a file of its own.

    A result is known again by what went into it. So work that is run again goes
    on where it was, and work with other settings begins anew. A file that cannot be
    read, or does not hold what it must, is a missing result. Several processes may
    share a store.

    Args:
        folder: Where they go.
        compressed: Whether arrays are compressed, which takes longer.
        check: Function of a record and a dictionary of arrays that raises an error if
            they are not what a result must be; `None` if anything is.

    Example:

    >>> import tempfile
    >>> store = ResultStore(tempfile.mkdtemp())
    >>> store.save("knn-5", "of these labels", {"top1": 0.5}, predicted=np.array([3]))
    >>> store.load("knn-5", "of these labels")
    ({'top1': 0.5}, {'predicted': array([3])})
    >>> store.load("knn-5", "of other labels") is None
    True
    """

    def __init__(self, folder, compressed=True, check=None):
        self.folder = pathlib.Path(folder)
        self.compressed = compressed
        self.check = check
        self._read: dict[pathlib.Path, tuple] = {}  # what a file was when it was read, and what it held

    def load(self, name, digest):
        """`(record, arrays)` of a finished result, or `None`.

        Args:
            name: Of the result.
            digest: Of what goes into it.
        """
        found = readable(self._path(name), lambda path: self._content(path, digest))
        return found or None

    def record(self, name, digest):
        """The record alone of a finished result, or `None`; its arrays are neither read nor checked."""

        def read(path):
            with open_arrays(path) as file:
                return [json.loads(str(file["record"]))] if str(file["digest"]) == digest else []

        found = readable(self._path(name), read)
        return found[0] if found else None

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
                self._read[path] = state, readable(path, self._content)
        return [content for path, (_, content) in sorted(self._read.items()) if content and path.is_file()]

    def _content(self, path, digest=None):
        """`(record, arrays)` of a file; nothing where it is that of another digest."""
        with open_arrays(path) as file:
            if str(file["digest"]) != digest and digest is not None:
                return ()
            arrays = {name: file[name] for name in file.files if name != "digest"}
        record = json.loads(str(arrays.pop("record")))
        if self.check:
            self.check(record, arrays)
        return record, arrays

    def _path(self, name):
        return self.folder / f"{file_name(name, 180)}.npz"


@contextlib.contextmanager
def open_arrays(path):
    """A context with the arrays of an `.npz` file, which NumPy itself leaves open where it is damaged."""
    with open(path, "rb") as opened, np.load(opened) as file:
        yield file

"""What earlier commands found out about image files: their sizes, and whether they decode."""

import contextlib
import os
import zipfile

import numpy as np

from cpc_keras.data.bad_files import plain_reason
from cpc_keras.data.threads import map_in_pieces
from cpc_keras.progress import NoProgress
from cpc_keras.storage import digests
from cpc_keras.storage.atomic import atomic_write
from cpc_keras.storage.cache import cache_folder

# From so many files on it is worth remembering; fewer are looked at in a second.
_MANY = 500
# Files that a thread looks at in a row.
_PIECE = 64
# Columns of the table: bytes and time of the file, by which it is known again, then what was found.
_BYTES, _TIME, _HEIGHT, _WIDTH, _CHANNELS, _WHOLE = range(6)


class KnownFiles:
    """Sizes of image files from their headers, of those that have changed since they were last looked at.

    A file is known by its name, bytes and time.

    Args:
        source: The folder or list that names them; what is remembered is kept by its path.
        names: What the source calls them.
        paths: Where they are.
        read_size: Function from a path to `(height, width, channels)`.
        progress: As `cpc_keras.progress.NoProgress`.

    Attributes:
        sizes: Integer `[N, 3]`: height, width and channels.
        whole: Whether each is known to decode, `[N]`.
        reasons: From the position of a file that cannot be read to why.
    """

    def __init__(self, source, names, paths, read_size, progress=None):
        place = digests.of_lines([os.path.realpath(source)])
        self.file = cache_folder() / "files" / f"{place[:16]}.npz" if len(names) >= _MANY else None
        self.names = names
        self.reasons: dict[int, str] = {}
        progress = progress or NoProgress()
        progress.start("Looking at files", len(names))
        known, before = self._remembered()

        def look(index):
            try:
                there = os.stat(paths[index])
                place = known.get(names[index])
                if place is not None and (before[place, :2] == (there.st_size, there.st_mtime_ns)).all():
                    return before[place]
                return (there.st_size, there.st_mtime_ns, *read_size(paths[index]), 0)
            except (OSError, ValueError) as error:
                return plain_reason(error)

        self.table = np.zeros((len(names), 6), "int64")
        for index, found in enumerate(map_in_pieces(look, len(names), _PIECE)):
            if isinstance(found, str):
                self.reasons[index] = found
            else:
                self.table[index] = found
            progress.advance()
        if len(before) != len(names) or not np.array_equal(self.table, before):
            self._remember()

    @property
    def sizes(self):
        """Height, width and channels of each."""
        return self.table[:, _HEIGHT:_WHOLE]

    @property
    def whole(self):
        """Whether each is known to decode."""
        return self.table[:, _WHOLE] == 1

    def confirm(self, positions):
        """These have been decoded."""
        if not self.whole[positions].all():
            self.table[positions, _WHOLE] = 1
            self._remember()

    def _remembered(self):
        """`(position by name, table)` of an earlier call; empty if there was none."""
        if self.file is not None and self.file.is_file():
            with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                with open(self.file, "rb") as file, np.load(file) as kept:
                    table, names = kept["table"], kept["names"].tobytes().decode("utf-8", "surrogateescape").split("\0")
                if table.shape == (len(names), 6) and table.dtype == np.int64:
                    return {name: place for place, name in enumerate(names)}, table
        return {}, np.zeros((0, 6), "int64")

    def _remember(self):
        if self.file is None:
            return
        good = [index for index in range(len(self.names)) if index not in self.reasons]
        names = "\0".join(self.names[index] for index in good).encode("utf-8", "surrogateescape")
        # Without it, the next command looks again.
        with contextlib.suppress(OSError), atomic_write(self.file, shared=True) as partial:
            np.savez(partial, names=np.frombuffer(names, "uint8"), table=self.table[good])

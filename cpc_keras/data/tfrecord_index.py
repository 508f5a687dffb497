"""Random access to TFRecord files, which are made to be read from the front."""

import os
import struct

import numpy as np

# A record is a length (uint64), its checksum (uint32), the bytes, and their checksum.
_HEADER, _FOOTER = 12, 4


class TFRecordIndex:
    """The records of a list of TFRecord files, by position.

    Only the lengths are read to find where each record begins; nothing is
    copied. Reading is safe from several threads.

    Args:
        parts: A list of `(path, skip, take)`: a file, how many of its records to
            pass over, and how many to take after that (-1: all).

    Raises:
        ValueError: If a file ends in the middle of a record, or has fewer
            records than asked for.

    Reference:
        The TFRecord format, https://www.tensorflow.org/tutorials/load_data/tfrecord.

    Example:

    >>> import tempfile, tensorflow as tf
    >>> path = os.path.join(tempfile.mkdtemp(), "three.tfrecord")
    >>> with tf.io.TFRecordWriter(path) as writer:
    ...     for text in (b"one", b"two", b"three"):
    ...         writer.write(text)
    >>> records = TFRecordIndex([(path, 1, -1)])
    >>> len(records), records[1]
    (2, b'three')
    """

    def __init__(self, parts):
        self._paths: list[str] = []
        places = []
        for path, skip, take in parts:
            starts = _starts(path)
            stop = len(starts) if take < 0 else skip + take
            if stop > len(starts):
                raise ValueError(
                    f"`parts` must not ask for more records than there are, {len(starts)}. Received: {path}"
                )
            chosen = starts[skip:stop]
            places.append(np.column_stack([np.full(len(chosen), len(self._paths)), chosen]).reshape(-1, 3))
            self._paths.append(path)
        self._places = np.concatenate(places)  # file, offset, length

    def __len__(self):
        return len(self._places)

    def __getitem__(self, position):
        number, offset, length = (int(value) for value in self._places[position])
        # Opened anew each time: a thousand shards are more than a process may keep open.
        with open(self._paths[number], "rb", buffering=0) as file:
            file.seek(offset)
            return file.read(length)


def _starts(path):
    """`[N, 2]` int64: offset and length of each record's bytes."""
    size, offset, found = os.path.getsize(path), 0, []
    with open(path, "rb") as file:
        while offset < size:
            file.seek(offset)
            header = file.read(8)
            length = struct.unpack("<Q", header)[0] if len(header) == 8 else size
            if offset + _HEADER + length + _FOOTER > size:
                raise ValueError(f"`parts` must be whole TFRecord files. Received: {path}, which ends in a record")
            found.append((offset + _HEADER, length))
            offset += _HEADER + length + _FOOTER
    return np.array(found, dtype="int64").reshape(-1, 2)

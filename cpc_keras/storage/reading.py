"""What was written earlier, read back: a unit that cannot be read is one that is missing, which is said in one line."""

import functools
import json
import math
import reprlib

from cpc_keras.errors import first_line


def readable(path, read):
    """What a file or folder holds; `None` where it is missing, or cannot be read, which is said.

    A crash of the machine, a full disk, an editor, a copy from elsewhere or another
    version may have left anything under the name of a unit. Whoever asks goes on as
    if it were not there: it is computed again, or left out.

    Args:
        path: A `pathlib.Path`.
        read: Function from the path to what it holds, not `None`. It raises any error
            where that is not what it must be.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "count")
    >>> count = lambda file: int(file.read_text())
    >>> print(readable(path, count))
    None
    >>> _ = path.write_text("3")
    >>> readable(path, count)
    3
    """
    try:
        return read(path) if path.exists() else None
    except Exception as error:  # what is damaged fails anywhere
        note(f"{path} cannot be read ({first_line(error)}) and counts as missing.")
        return None


@functools.cache
def note(line):
    """Prints a remark about what was read back, each once."""
    print(f"Note: {line}", flush=True)


def read_json(path, check=None):
    """What `cpc_keras.storage.atomic.write_json` wrote; `None` as of `readable`.

    Args:
        path: The file.
        check: Function that raises an error if the content is not what it must be.
    """

    def read(file):
        content = json.loads(file.read_text(encoding="utf-8"))
        if check:
            check(content)
        return content

    return readable(path, read)


def check_kinds(content, **kinds):
    """Raises `ValueError` unless something is a dictionary that has these keys, with values of these kinds.

    Numbers must be finite, and a truth value is no number.

    Args:
        content: What was read.
        **kinds: A type, or a union of types, by key.

    Example:

    >>> check_kinds({"seed": 1, "more": "of another version"}, seed=int)
    >>> check_kinds({"seed": "1"}, seed=int)
    Traceback (most recent call last):
    ValueError: its seed is '1'
    """
    if not isinstance(content, dict):
        raise ValueError(f"it holds no dictionary but {reprlib.repr(content)}")
    for key, kind in kinds.items():
        if key not in content:
            raise ValueError(f"it has no {key}")
        value = content[key]
        fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not fits or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(f"its {key} is {reprlib.repr(value)}")

"""Paths for libraries that do not take every path."""

import contextlib
import os
import pathlib
import re
import tempfile


def is_plain(path):
    """Whether TensorFlow takes a path for what it is.

    It looks for files by patterns, to which `[`, `*`, `?`, `{` and backslashes are
    no letters, and knows no name that is not UTF-8.

    Example:

    >>> is_plain("runs/first try"), is_plain("runs/first [1]"), is_plain(b"caf\\xe9".decode("utf-8", "surrogateescape"))
    (True, False, False)
    """
    return not re.search(r"[][*?{}\\\ud800-\udfff]", str(path))


@contextlib.contextmanager
def plain_path(path):
    """A context that gives a path by which TensorFlow, too, reads and writes a file or folder.

    Args:
        path: The path of the file or folder; a folder to write must be there.

    Yields:
        The path as text, or that of a link to it which lasts as long as the context.
    """
    path = pathlib.Path(path)
    if is_plain(path):
        yield str(path)
        return
    with tempfile.TemporaryDirectory() as place:
        link = os.path.join(place, f"link{path.suffix if is_plain(path.suffix) else ''}")
        os.symlink(path.absolute(), link)
        yield link

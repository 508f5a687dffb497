"""The one atomic write: a file or folder is there whole, or not at all."""

import contextlib
import json
import os
import pathlib
import secrets
import shutil

from cpc_keras.storage.disk import writing
from cpc_keras.storage.names import file_name

# Bytes of a name that leave room for what is put around it, of the 255 that file systems take.
_LONGEST = 180


@contextlib.contextmanager
def atomic_write(path, shared=False):
    """A context whose body writes a file or folder under another name; it gets its own name when the body is done.

    What is there is replaced, a link is followed. If the body fails, what it wrote
    is removed and what was there before stays.

    Args:
        path: The file or folder to write; its folder is made if need be.
        shared: Whether several processes may write the same at the same time.

    Yields:
        The path to write to, with the same suffix. Nothing is there yet.

    Raises:
        DiskError: If a disk is full, or must not be written to.
        OSError: If it cannot be written for another reason.

    Example:

    >>> import tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "numbers.txt")
    >>> with atomic_write(path) as partial:
    ...     _ = partial.write_text("1 2 3")
    ...     path.exists()
    False
    >>> path.read_text()
    '1 2 3'
    """
    final = pathlib.Path(os.path.realpath(path))
    by = f".{secrets.token_hex(4)}" if shared else ""
    stem = file_name(final.stem, _LONGEST)
    partial, older = (final.with_name(f".{stem}{by}.{state}{final.suffix}") for state in ("partial", "older"))
    try:
        with writing(final):
            final.parent.mkdir(parents=True, exist_ok=True)
            _remove(partial)
            if older.exists() and not final.exists():  # stopped between the two steps of `_replace_folder`
                os.replace(older, final)
            yield partial
            _flush(partial)
            if final.is_dir() or (final.exists() and partial.is_dir()):
                _replace_folder(partial, final, older)
            else:
                os.replace(partial, final)
                _flush_one(final.parent)
    finally:
        with contextlib.suppress(OSError):
            _remove(partial)


def write_text(path, text):
    """Writes text atomically; several processes may. What UTF-8 has not is escaped."""
    with atomic_write(path, shared=True) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path, content):
    """Writes JSON atomically; several processes may."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def write_gathered(path, gather):
    """Writes as JSON what a function gathers from files to which several processes may add, and leaves none out.

    The process that writes last has looked again after it has written, so it has seen what the others left.
    """
    written = None
    while (content := gather()) != written:
        write_json(path, content)
        written = content


def _flush(path):
    """Brings a file, or a folder with all that is in it, to the disk: no name may get there before what it names."""
    for inside in path.rglob("*"):
        _flush_one(inside)
    _flush_one(path)


def _flush_one(path):
    # Some network disks cannot do it to a folder.
    with contextlib.suppress(OSError) if path.is_dir() else contextlib.nullcontext():
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _replace_folder(new, old, aside):
    """Puts one in the place of the other where either is a folder, which cannot be done at one stroke."""
    _remove(aside)
    os.replace(old, aside)
    try:
        os.replace(new, old)
    except BaseException:
        os.replace(aside, old)
        raise
    _flush_one(old.parent)
    with contextlib.suppress(OSError):
        _remove(aside)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()

"""What a user wants written: refused in one line where it cannot be, or would destroy something else."""

import contextlib
import os
import pathlib

from cpc_keras.errors import InputError
from cpc_keras.storage.atomic import atomic_write
from cpc_keras.storage.disk import unwritable


@contextlib.contextmanager
def atomic_output(dest, marks=(), argument="DEST"):
    """`atomic_write` of what an argument of the user's names.

    Args:
        dest: The folder or file to write. What is there is replaced; a link is
            followed.
        marks: For a folder, names of files that an older one must hold to be
            replaced; none for a file.
        argument: What messages call it.

    Yields:
        The path to write to.

    Raises:
        InputError: If `dest` cannot be written, or is a folder of something else.
    """
    check_replaceable(dest, marks, argument)
    try:
        with atomic_write(dest) as partial:
            yield partial
    except OSError as error:
        raise InputError(unwritable(argument, "folder" if marks else "file", dest, error)) from error


def check_replaceable(dest, marks=(), argument="DEST"):
    """Raises `InputError` if there is something that `atomic_output` would not replace."""
    dest = pathlib.Path(dest)
    if marks and dest.exists() and not all((dest / mark).is_file() for mark in marks):
        raise InputError(f"`{argument}` must be a new folder or an older export. Received: {dest}")
    if not marks and dest.is_dir():
        raise InputError(f"`{argument}` must be a file. Received: {dest}, a folder")


def make_folder(path, argument):
    """Makes a folder that can be written to, or raises `InputError`."""
    path = pathlib.Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(unwritable(argument, "folder", path, error)) from error

"""Artefacts that are there whole or not at all."""

import contextlib
import os
import pathlib
import shutil

from cpc_keras.errors import InputError


@contextlib.contextmanager
def appears_whole(dest, marks=(), argument="DEST"):
    """Lets its body write under another name, and gives what it wrote its own when it is done.

    Args:
        dest: The folder or file to write. What is there is replaced; a link is
            followed.
        marks: For a folder, names of files that an older one must hold to be
            replaced; none for a file.
        argument: What messages call it.

    Yields:
        The path to write to. Nothing is there yet but the folder that holds it.

    Raises:
        InputError: If `dest` cannot be written, or is a folder of something else.
    """
    check_replaceable(dest, marks, argument)
    final = pathlib.Path(os.path.realpath(dest))
    partial, older = (final.with_name(f".{final.stem}.{state}{final.suffix}") for state in ("partial", "older"))
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        # Stopped between the two steps of `_replace_folder`, it left the older one aside.
        if marks and not final.exists() and all((older / mark).is_file() for mark in marks):
            os.replace(older, final)
        yield partial
        if final.is_dir():
            _replace_folder(partial, final, older)
        else:
            os.replace(partial, final)
    except OSError as error:
        kind = "folder" if marks else "file"
        raise InputError(f"`{argument}` must be a {kind} that can be written to. Received: {dest} ({error})") from error
    finally:
        with contextlib.suppress(OSError):
            _remove(partial)


def check_replaceable(dest, marks=(), argument="DEST"):
    """Raises `InputError` if there is something that `appears_whole` would not replace."""
    dest = pathlib.Path(dest)
    if marks and dest.exists() and not all((dest / mark).is_file() for mark in marks):
        raise InputError(f"`{argument}` must be a new folder or an older export. Received: {dest}")
    if not marks and dest.is_dir():
        raise InputError(f"`{argument}` must be a file. Received: {dest}, a folder")


def _replace_folder(new, old, aside):
    """Puts a folder in the place of another, which cannot be done at one stroke."""
    _remove(aside)
    os.replace(old, aside)
    try:
        os.replace(new, old)
    except BaseException:
        os.replace(aside, old)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()

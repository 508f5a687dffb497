"""Artefacts that are there whole or not at all."""

import contextlib
import os
import pathlib
import shutil

import tensorflow as tf

from cpc_keras.errors import InputError


@contextlib.contextmanager
def appears_whole(dest, folder, argument="DEST"):
    """Lets its body write under another name, and gives what it wrote its own when it is done.

    Args:
        dest: The folder or file to write. A SavedModel or a file that is there is
            replaced.
        folder: Whether it is a folder.
        argument: What messages call it.

    Yields:
        The path to write to. Nothing is there yet but the folder that holds it.

    Raises:
        InputError: If `dest` cannot be written, or is a folder of something else.
    """
    dest = pathlib.Path(dest)
    if folder and dest.exists() and not (dest / "saved_model.pb").is_file():
        raise InputError(f"`{argument}` must be a new folder or an older export. Received: {dest}")
    if not folder and dest.is_dir():
        raise InputError(f"`{argument}` must be a file. Received: {dest}, a folder")
    partial, older = (dest.with_name(f".{dest.stem}.{state}{dest.suffix}") for state in ("partial", "older"))
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        yield partial
        if dest.is_dir():  # which cannot be replaced at one stroke
            _remove(older)
            os.replace(dest, older)
        os.replace(partial, dest)
        _remove(older)
    except (OSError, tf.errors.OpError) as error:
        kind = "folder" if folder else "file"
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"`{argument}` must be a {kind} that can be written to. Received: {dest} ({reason})"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            _remove(partial)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()

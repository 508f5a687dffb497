"""What a user wants written: refused in one line where it cannot be, or would destroy something else."""

import contextlib
import hashlib
import os
import pathlib
import re

from cpc_keras.errors import InputError
from cpc_keras.storage.atomic import atomic_write, write_text
from cpc_keras.storage.disk import unwritable

# The list of what was written, as `sha256sum -c` takes it: inside a folder, beside a file as `.NAME.sha256`.
SUMS = "SHA256SUMS"
# What an export consisted of before it held such a list, and what systems put into any folder.
_FORMER = r"saved_model\.pb|fingerprint\.pb|model\.json|README\.md|variables/variables\.[\w.-]+"
_OF_THE_SYSTEM = (".DS_Store", "Thumbs.db", "desktop.ini")


@contextlib.contextmanager
def atomic_output(dest, marks=(), argument="DEST", guarded=True):
    """`atomic_write` of what an argument of the user's names.

    Args:
        dest: The folder or file to write. What an earlier call wrote there is replaced,
            unless it was changed since; a link is followed.
        marks: For a folder, names of files that an older one must hold to be
            replaced; none for a file.
        argument: What messages call it.
        guarded: Whether a file that no earlier call wrote must stay; not where the
            user has not chosen its name.

    Yields:
        The path to write to.

    Raises:
        InputError: If `dest` cannot be written, or is something else.
    """
    if guarded:
        check_replaceable(dest, marks, argument)
    try:
        with atomic_write(dest) as partial:
            yield partial
            if guarded:
                _list(partial, _final(dest))
    except OSError as error:
        raise InputError(unwritable(argument, "folder" if marks else "file", dest, error)) from error


def check_replaceable(dest, marks=(), argument="DEST"):
    """Raises `InputError` if there is something that `atomic_output` would not replace."""
    final = _final(dest)
    try:
        if not final.exists():
            return
        if marks:
            _check_folder(dest, final, marks, argument)
        elif final.is_dir():
            raise InputError(f"`{argument}` must be a file. Received: {dest}, a folder")
        elif not final.is_file() or _sum(final) not in dict(_listed(_beside(final))):
            raise InputError(
                f"`{argument}` must be a new file, or one that an earlier call wrote and nobody has changed since. "
                f"Received: {dest}, which is there already"
            )
    except OSError as error:
        raise InputError(f"`{argument}` must be a path that can be read. Received: {dest} ({error})") from error


def _check_folder(dest, folder, marks, argument):
    if not folder.is_dir() or (any(folder.iterdir()) and not all((folder / mark).is_file() for mark in marks)):
        raise InputError(f"`{argument}` must be a new folder or an older export. Received: {dest}")
    listed = _listed(folder / SUMS)
    for file in _files(folder):
        name = file.relative_to(folder).as_posix()
        known = (_sum(file), name) in listed if listed else re.fullmatch(_FORMER, name)
        if not known and file.name not in (SUMS, *_OF_THE_SYSTEM):
            raise InputError(
                f"`{argument}` must be a new folder or an older export that nobody has changed since. "
                f"Received: {dest}, where {name} is not what an export wrote"
            )


def _list(partial, final):
    """Writes the list of what was written; that beside a file is there first, and knows the older one too."""
    if partial.is_dir():
        lines = [f"{_sum(file)}  {file.relative_to(partial).as_posix()}" for file in _files(partial)]
        place = partial / SUMS
    elif partial.is_file():
        name = final.name.encode("utf-8", "backslashreplace").decode()
        lines = [f"{_sum(partial)}  {name}", *([f"#{_sum(final)}  {name}"] if final.is_file() else [])]
        place = _beside(final)
    else:
        return
    write_text(place, "".join(f"{line}\n" for line in lines))


def _listed(place):
    """`[(sum, name)]`; none where there is no list that can be read."""
    try:
        lines = place.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [tuple(line.removeprefix("#").partition("  ")[::2]) for line in lines]


def _files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _sum(file):
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _beside(file):
    return file.with_name(f".{file.name}.sha256")


def _final(dest):
    return pathlib.Path(os.path.realpath(dest))


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

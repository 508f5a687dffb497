"""What lies in a folder of images: each file is an image, passed over, or bad, and there is no fourth end."""

import collections
import dataclasses
import os
import pathlib
import re
import stat

from cpc_keras.data.bad_files import BadFile, plain_reason
from cpc_keras.data.image_kinds import is_image

# Folders that operating systems, file servers and programs keep beside people's files, in small letters.
_OF_SYSTEMS = {
    *("__macosx", "@eadir", "@tmp", "#recycle", "#snapshot", "$recycle.bin", "recycler", "lost+found"),
    *("system volume information", "__pycache__", "node_modules"),
}
# Files by which a folder of another kind is known: all of them lie in it.
_OF_OTHERS = {
    "a run's folder": ("recipe.json", "checkpoints"),
    "an exported model": ("saved_model.pb",),
    "a virtual environment": ("pyvenv.cfg",),
    "a conda environment": ("conda-meta",),
}


@dataclasses.dataclass
class Listing:
    """What lies in a folder.

    Attributes:
        images: Paths of image files below the folder, in natural order.
        passed_over: Files and folders that were passed over, each with the reason.
        bad: What should have been read and cannot be.
        empty: Paths of folders in which, and below which, there is no image.
    """

    images: list[str] = dataclasses.field(default_factory=list)
    passed_over: dict[str, str] = dataclasses.field(default_factory=dict)
    bad: list[BadFile] = dataclasses.field(default_factory=list)
    empty: list[str] = dataclasses.field(default_factory=list)


def list_images(folder):
    """Finds the image files in a folder and in all folders below it.

    Links are followed, each folder is read once. Passed over are hidden files and
    folders, what operating systems leave, runs, exported models and environments, and
    files of other kinds; what the folder itself is does not matter.

    Args:
        folder: Path of the folder.

    Returns:
        A `Listing`.

    Raises:
        OSError: If the folder itself cannot be read.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("10.png", "9.png", ".hidden.png", "notes.txt"):
    ...     (folder / name).touch()
    >>> found = list_images(folder)
    >>> found.images, dict(sorted(found.passed_over.items()))
    (['9.png', '10.png'], {'.hidden.png': 'hidden', 'notes.txt': '.txt'})
    """
    found, folder = Listing(), os.fspath(folder)
    around = _folders_around(folder)
    seen = set()
    # Those that links lead to come last: they may be reached without a link.
    waiting = collections.deque([""])
    while waiting:
        inside = waiting.popleft()
        place = os.path.join(folder, inside)
        identity = _identity(place)
        if identity in seen:
            found.passed_over[inside] = "link to a folder that is read already"
            continue
        seen.add(identity)
        try:
            entries = _entries(place)
        except OSError as error:
            if not inside:
                raise
            found.bad.append(BadFile(place, plain_reason(error)))
            continue
        other = inside and _other_kind({entry.name for entry in entries})
        if other:
            found.passed_over[inside] = other
            continue
        found.empty.append(inside)
        for entry in entries:
            name = os.path.join(inside, entry.name)
            reason = _reason_to_pass(entry)
            if reason:
                found.passed_over[name] = reason
            elif not _is(entry.is_dir):
                _sort_file(found, entry, name)
            elif not entry.is_symlink():
                waiting.appendleft(name)
            elif _identity(entry.path) in around:
                found.passed_over[name] = "link to a folder that holds this one"
            else:
                waiting.append(name)
    found.images.sort()
    found.images.sort(key=natural_key)
    found.empty = sorted(set(found.empty) - _folders_of(found.images))
    return found


def _entries(place):
    with os.scandir(place) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _folders_around(folder):
    """What the folder and those above it are known by."""
    whole = pathlib.Path(os.path.realpath(folder))
    return {_identity(one) for one in (whole, *whole.parents)}


def _folders_of(names):
    """All folders in which, or below which, files lie."""
    folders = {os.path.dirname(name) for name in names}
    return folders | {str(parent) for folder in folders for parent in pathlib.PurePath(folder).parents} | {""}


def _identity(place):
    try:
        there = os.stat(place)
    except OSError:
        return place
    return there.st_dev, there.st_ino


def _is(kind):
    try:
        return kind()
    except OSError:  # a link in a circle, or into a folder that may not be read
        return False


def _reason_to_pass(entry):
    if entry.name.startswith("."):
        return "hidden"
    if entry.name.lower() in _OF_SYSTEMS:
        return "of the operating system or a program"
    return None


def _other_kind(names):
    return next((kind for kind, marks in _OF_OTHERS.items() if names.issuperset(marks)), None)


def _sort_file(found, entry, name):
    """Puts a file where it belongs."""
    try:
        # That of a link is of what it leads to; a pipe would be waited for.
        regular = stat.S_ISREG(entry.stat().st_mode) if entry.is_symlink() else entry.is_file()
        if not regular:
            found.passed_over[name] = "neither files nor folders"
        elif is_image(entry.path):
            found.images.append(name)
        else:
            found.passed_over[name] = os.path.splitext(name)[1].lower() or "without an ending"
    except OSError as error:
        found.bad.append(BadFile(entry.path, plain_reason(error)))


def passed_over_text(passed_over):
    """One sentence on what was passed over; nothing where that is nothing.

    Args:
        passed_over: Reasons by name, as of `Listing`.

    Example:

    >>> passed_over_text({"a.txt": ".txt", "b.txt": ".txt", ".a.png": "hidden"})
    'Passed over: 2 .txt, 1 hidden.'
    """
    counts = collections.Counter(sorted(passed_over.values())).most_common()
    return f"Passed over: {', '.join(f'{count:,} {reason}' for reason, count in counts)}." if counts else ""


def natural_key(text):
    """A key by which numbers within names are sorted by size: `2.png` before `10.png`.

    Example:

    >>> sorted(["b10", "b9", "a", "2003²", "b09"], key=natural_key)
    ['2003²', 'a', 'b9', 'b09', 'b10']
    """
    return re.sub(r"[0-9]+", _number_key, text)


def _number_key(found):
    digits = found[0].lstrip("0")
    return f"\x00{chr(len(digits))}{digits}"

"""Image files that a folder or a table names, with class and split; none has been opened."""

import dataclasses
import os
import pathlib
import unicodedata

from cpc_keras.data.bad_files import BadFile, plain_reason
from cpc_keras.data.folders import list_images, passed_over_text
from cpc_keras.data.splits import alike, label_of, rows_of_folders, split_of
from cpc_keras.errors import InputError
from cpc_keras.storage.names import unwritten
from cpc_keras.storage.text import plain_word, read_table

# Names that a message lists.
_FEW = 5


@dataclasses.dataclass
class NamedFiles:
    """Image files that a source names.

    Attributes:
        names: What the source calls them.
        paths: Where they are.
        labels: Texts, or `None`.
        splits: Texts, or `None`.
        bad: What could not even be listed.
        notes: What the user should know, in sentences.
    """

    names: list[str]
    paths: list[str]
    labels: list[str | None]
    splits: list[str | None]
    bad: list[BadFile] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)


def folder_files(kind, place, source):
    """The files below a folder.

    Args:
        kind: `"dir"`, or `"classes"`, whose folders are labels.
        place: Path of the folder.
        source: The source string, for messages.

    Returns:
        A `NamedFiles`.

    Raises:
        InputError: If there is none, or a class is wanted and there is none.
    """
    found = list_folder(place, source)
    passed = passed_over_text(found.passed_over)
    if not found.images and not found.bad:
        raise InputError(
            f"`data` must hold at least one image file that can be read here. Received: {source} with none. {passed}"
        )
    paths = [os.path.join(place, name) if os.path.normpath(place) != "." else name for name in found.images]
    rows: list[tuple] = [(None, None)] * len(paths)
    notes = [passed] if passed else []
    if kind == "classes":
        rows = rows_of_folders(found.images)
        if paths and all(label is None for label, _ in rows):
            raise InputError(f"`data` must have a folder for each label. Received: {source} with {paths[0]}")
        notes += _empty_classes(found, rows)
    labels, splits = ([row[place] for row in rows] for place in (0, 1))
    return NamedFiles(found.images, paths, labels, splits, found.bad, notes + _similar_names(labels))


def list_folder(place, source):
    """The `Listing` of a source's folder.

    Args:
        place: Its path.
        source: The source string, for messages.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        return list_images(place)
    except OSError as error:
        reason = plain_reason(error)
        raise InputError(f"`data` must name a folder that can be read. Received: {source}, which {reason}") from error


def _empty_classes(found, rows):
    """What to say of folders beside those of the classes that hold no image."""
    classes = {label for label, _ in rows}
    names = {plain_word(os.path.basename(folder)) for folder in found.empty}
    empty = sorted(name for name in names - classes if split_of(name) is None)
    return [f"Folders without an image are no classes: {_listed(empty)}."] if empty else []


def _similar_names(labels):
    groups = alike(sorted(set(labels) - {None}))
    if not groups:
        return []
    return [f"Labels that differ in writing alone are classes of their own: {' · '.join(map(_listed, groups[:_FEW]))}."]


def _listed(names):
    shown = ", ".join(map(repr, names[:_FEW]))
    return shown if len(names) <= _FEW else f"{shown} and {len(names) - _FEW} more"


def csv_files(place, source):
    """The files that a table names, each once.

    Args:
        place: Path of a file with the columns `path,label[,split]`.
        source: The source string, for messages.

    Returns:
        A `NamedFiles`; some of them may not be there.

    Raises:
        InputError: If it is no such table, or names a file twice with different labels.
    """
    path = pathlib.Path(place)
    names, paths, labels, splits = [], [], [], []
    before: dict[str, tuple] = {}
    try:
        for line, (text, label, split) in read_table(path, ("path", "label"), ("split",)):
            if not plain_word(text):
                raise ValueError(f"line {line} without a path")
            row = label_of(label), split_of(split) or plain_word(split) or None
            file = _find(path.parent, text)
            known = before.setdefault(os.path.realpath(file), row)
            if known != row:
                raise InputError(
                    f"`data` must name a file with one label and split. Received: {source} line {line} with {file} "
                    "again"
                )
            if known is row:
                names.append(text)
                paths.append(file)
                labels.append(row[0])
                splits.append(row[1])
    except InputError:
        raise
    except (ValueError, OSError) as error:
        reason = plain_reason(error) if isinstance(error, OSError) else str(error)
        raise InputError(
            f"`data` must be a readable CSV file with the columns path,label[,split]. Received: {source} ({reason})"
        ) from error
    if not names:
        raise InputError(f"`data` must have at least one row. Received: {source} with none")
    return NamedFiles(names, paths, labels, splits, notes=_similar_names(labels))


def _find(folder, text):
    """The file that a list means: blanks around it, slashes, composed letters and escapes may be another program's."""
    word = text.strip()
    composed = (unicodedata.normalize(form, word) for form in ("NFC", "NFD"))
    forms = (text, word, word.replace("\\", "/"), *composed, unwritten(word))
    paths = [str(folder / os.path.expanduser(form)) for form in dict.fromkeys(forms)]
    return next(filter(os.path.isfile, paths), str(folder / word))

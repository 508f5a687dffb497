"""Annotations as PASCAL VOC writes them: one XML file an image."""

import dataclasses
import os
import pathlib
import re
import xml.etree.ElementTree

from cpc_keras.data.bad_files import plain_reason
from cpc_keras.data.image_kinds import is_image
from cpc_keras.data.splits import TEST, TRAIN, VALIDATION, split_of
from cpc_keras.errors import InputError, first_line
from cpc_keras.storage.text import decode, plain_word, read_lines

# VOC's name for the two together.
TRAINVAL = "trainval"
# A list of one class has after each name whether the image shows it.
_FLAG = re.compile(r"\s+(-1|0|1)$")


@dataclasses.dataclass(frozen=True)
class Entry:
    """An annotated image.

    Attributes:
        image: Its file; `None` if there is none.
        annotation: The XML file.
    """

    image: pathlib.Path | None
    annotation: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Annotation:
    """What an XML file says.

    Attributes:
        objects: A list of `(name, box, difficult)`; a box is left, top, right and
            bottom edge in pixels.
        size: `(width, height)` of the image that boxes were drawn on, or `None`.
    """

    objects: list[tuple[str, tuple[float, float, float, float], bool]]
    size: tuple[int, int] | None


def find_entries(path, source):
    """The annotated images of a folder, by split.

    Args:
        path: A folder with `JPEGImages`, `Annotations` and perhaps
            `ImageSets/Main/SPLIT.txt`; or one of XML files beside images, perhaps
            in folders by split.
        source: The source string, for messages.

    Returns:
        A dictionary from the name of a split (train, validation, test, trainval, or a
        list's own) to a list of `Entry`, in the order of their names; the key is `None`
        where there are no splits.

    Raises:
        InputError: If there is no annotation, or a split lists one that is not
            there.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        raise InputError(f"`data` must name an existing folder. Received: {source}")
    try:
        if (path / "Annotations").is_dir():
            everything = _pairs(path / "Annotations", path / "JPEGImages")
            lists = _files(path / "ImageSets" / "Main", ".txt")
            # Files such as `cat_train.txt` list one class.
            lists = [one for one in lists if "_" not in one.stem]
            found = {_name_of(one.stem): _listed(one, everything, source) for one in lists}
            found = found or {None: list(everything.values())}
        else:
            folders = {_name_of(one.name): one for one in sorted(path.iterdir()) if _is_split(one)}
            found = {name: list(_pairs(folder, folder).values()) for name, folder in folders.items()}
            found = {name: entries for name, entries in found.items() if entries}
            found = found or {None: list(_pairs(path, path).values())}
    except OSError as error:
        raise InputError(
            f"`data` must name a folder that can be read. Received: {source}, where {error.filename} "
            f"{plain_reason(error)}"
        ) from error
    if not any(found.values()):
        raise InputError(f"`data` must hold at least one annotation (.xml). Received: {source} with none")
    return found


def names_of_split(entries, split):
    """What a split may be called among `entries`, the preferred name first.

    `"train"` is VOC's `trainval` where there is a `test`; without one, the validation
    split is what is tested on, and `trainval` would show it. `"test"` is `test`, or
    else the validation split.
    """
    split = _name_of(split)
    if split == TRAIN:
        alone = TEST not in entries and VALIDATION in entries
        return (TRAIN,) if alone else (TRAINVAL, TRAIN)
    return (TEST, VALIDATION) if split == TEST else (split,)


def image_rows(path, source):
    """`(file, None, split)` of each annotated image, without labels; the split is train, test or, without any, `None`.

    Raises:
        InputError: As `find_entries`.
    """
    entries = find_entries(path, source)
    if set(entries) == {None}:
        return [(entry.image, None, None) for entry in entries[None] if entry.image]
    rows = {}
    for split in (TEST, TRAIN):
        name = next((name for name in names_of_split(entries, split) if name in entries), None)
        rows.update({entry.image: (entry.image, None, split) for entry in entries.get(name, ()) if entry.image})
    return sorted(rows.values(), key=lambda row: str(row[0]))


def _name_of(split):
    return split_of(split) or plain_word(split).lower()


def _is_split(folder):
    return folder.is_dir() and (split_of(folder.name) is not None or folder.name.lower() == TRAINVAL)


def _files(folder, ending):
    """Files of an ending, sorted; those of operating systems are hidden."""
    if not folder.is_dir():
        return []
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith(ending) and not name.startswith("."))
    return [folder / name for name in names]


def _pairs(annotations, images):
    """`Entry` by the name that an annotation and its image have in common."""
    files = {}
    for file in _files(images, ""):
        if file.suffix.lower() != ".xml" and file.is_file() and is_image(file):
            files[file.stem] = file
    return {file.stem: Entry(files.get(file.stem), file) for file in _files(annotations, ".xml")}


def _listed(file, everything, source):
    """The entries that a list names, each once."""
    try:
        lines = read_lines(file)
    except (OSError, ValueError) as error:
        raise InputError(
            f"`data` must have readable lists of its splits. Received: {source}, where {file.name} {first_line(error)}"
        ) from error
    found = {line: _entry_of(line, everything) for line in lines}
    missing = [line for line, entry in found.items() if entry is None]
    if missing:
        raise InputError(
            f"`data` must hold an annotation of every image of a split. Received: {source}, where {file.name} lists "
            f"{len(missing)} without, the first {missing[0]!r}"
        )
    return list(dict.fromkeys(found.values()))


def _entry_of(line, everything):
    """What a line names: all of it, what stands before a flag, or its first word; with folder and ending or without."""
    for word in (line, _FLAG.sub("", line), line.split()[0]):
        name = pathlib.PurePosixPath(word.replace("\\", "/")).name
        for known in (name, os.path.splitext(name)[0]):
            if known in everything:
                return everything[known]
    return None


def read_annotation(path):
    """What an annotation says of its image.

    VOC counts pixels from 1 and names the last one inside; here a box ends at the
    far edge of it. Namespaces are ignored, and an encoding that the file names
    wrongly.

    Args:
        path: The XML file.

    Returns:
        An `Annotation`.

    Raises:
        ValueError: If it cannot be read as an annotation.
    """
    try:
        content = pathlib.Path(path).read_bytes()
        root = xml.etree.ElementTree.fromstring(_without_declaration(content))
    except OSError as error:
        raise ValueError(plain_reason(error)) from error
    except (xml.etree.ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"cannot be read ({first_line(error)})") from error
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    found = []
    for number, element in enumerate(root.iter("object"), start=1):
        name, box = plain_word(element.findtext("name") or ""), element.find("bndbox")
        if not name or box is None:
            raise ValueError(f"has no name or no bndbox in object {number}")
        left, top, right, bottom = (_number(box, side) for side in ("xmin", "ymin", "xmax", "ymax"))
        if None in (left, top, right, bottom):
            raise ValueError(f"has no numbers for the sides of object {number}")
        difficult = (element.findtext("difficult") or "0").strip().lower() not in ("0", "false", "")
        found.append((name, (left - 1, top - 1, right, bottom), difficult))
    return Annotation(found, _size(root))


def _without_declaration(content):
    """Text of an XML file, decoded here: the parser knows few encodings."""
    declared = re.match(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._:-]+)", content)
    text = decode(content, declared and declared[1].decode("ascii"))
    return re.sub(r"^\ufeff?\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL)


def _number(element, name):
    """A finite number, or `None`."""
    try:
        value = float(element.findtext(name) or "")
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _size(root):
    size = root.find("size")
    width, height = (_number(size, name) if size is not None else None for name in ("width", "height"))
    return (int(width), int(height)) if width and height and min(width, height) >= 1 else None

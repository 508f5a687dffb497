"""Annotations as PASCAL VOC writes them: one XML file an image."""

import dataclasses
import pathlib
import xml.etree.ElementTree

from cpc_keras.data.image_files import EXTENSIONS
from cpc_keras.errors import InputError

# What VOC's lists, or folders, of a split may be called.
_KNOWN = ("trainval", "train", "test", "val", "validation")
_TEST_SPLITS = ("test", "val", "validation")


@dataclasses.dataclass(frozen=True)
class Entry:
    """An annotated image.

    Attributes:
        image: Its file; `None` if there is none.
        annotation: The XML file.
    """

    image: pathlib.Path | None
    annotation: pathlib.Path


def find_entries(path, source):
    """The annotated images of a folder, by split.

    Args:
        path: A folder with `JPEGImages`, `Annotations` and perhaps
            `ImageSets/Main/SPLIT.txt`; or one of XML files beside images, perhaps
            in folders by split.
        source: The source string, for messages.

    Returns:
        A dictionary from the name of a split to a list of `Entry`, in the order of
        their names; the key is `None` where there are no splits.

    Raises:
        InputError: If there is no annotation, or a split lists one that is not
            there.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        raise InputError(f"`data` must name an existing folder. Received: {source}")
    if (path / "Annotations").is_dir():
        everything = _pairs(path / "Annotations", path / "JPEGImages")
        lists = sorted((path / "ImageSets" / "Main").glob("*.txt"))
        # Files such as `cat_train.txt` list one class.
        lists = [one for one in lists if "_" not in one.stem] if lists else []
        found = {one.stem: _listed(one, everything, source) for one in lists} or {None: list(everything.values())}
    else:
        folders = {name: path / name for name in _KNOWN if (path / name).is_dir()}
        found = {name: list(_pairs(folder, folder).values()) for name, folder in folders.items()}
        found = {name: entries for name, entries in found.items() if entries}
        found = found or {None: list(_pairs(path, path).values())}
    if not any(found.values()):
        raise InputError(f"`data` must hold at least one annotation (.xml). Received: {source} with none")
    return found


def names_of_split(entries, split):
    """What a split may be called among `entries`, the preferred name first.

    `"train"` is VOC's `trainval` where there is a `test`; without one, `val` is what
    is tested on, and `trainval` would show it. `"test"` is `test`, or else `val`.
    """
    if split == "train":
        return ("trainval", "train") if "test" in entries or not set(_TEST_SPLITS) & set(entries) else ("train",)
    return _TEST_SPLITS if split == "test" else (split,)


def image_rows(path, source):
    """`(file, None, split)` of each annotated image, without labels; the split is train, test or, without any, `None`.

    Raises:
        InputError: As `find_entries`.
    """
    entries = find_entries(path, source)
    if set(entries) == {None}:
        return [(entry.image, None, None) for entry in entries[None] if entry.image]
    rows = {}
    for split in ("test", "train"):
        name = next((name for name in names_of_split(entries, split) if name in entries), None)
        rows.update({entry.image: (entry.image, None, split) for entry in entries.get(name, ()) if entry.image})
    return sorted(rows.values(), key=lambda row: str(row[0]))


def _pairs(annotations, images):
    """`Entry` by the name that an annotation and its image have in common."""
    files = {file.stem: file for file in sorted(images.glob("*")) if file.suffix.lower() in EXTENSIONS}
    return {file.stem: Entry(files.get(file.stem), file) for file in sorted(annotations.glob("*.xml"))}


def _listed(file, everything, source):
    names = [line.split()[0] for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    missing = [name for name in names if name not in everything]
    if missing:
        raise InputError(
            f"`data` must hold an annotation of every image of a split. Received: {source}, where {file.name} lists "
            f"{len(missing)} without, the first {missing[0]}"
        )
    return [everything[name] for name in names]


def read_objects(path):
    """The objects of an annotation.

    VOC counts pixels from 1 and names the last one inside; here a box ends at the
    far edge of it.

    Args:
        path: The XML file.

    Returns:
        A list of `(name, box, difficult)`; a box is left, top, right and bottom
        edge in pixels.

    Raises:
        ValueError: If it cannot be read as an annotation.
    """
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except (xml.etree.ElementTree.ParseError, OSError) as error:
        raise ValueError(f"cannot be read ({error})") from error
    found = []
    for number, element in enumerate(root.iter("object"), start=1):
        name, box = element.findtext("name"), element.find("bndbox")
        if not name or box is None:
            raise ValueError(f"has no name or no bndbox in object {number}")
        try:
            left, top, right, bottom = (float(box.findtext(side) or "") for side in ("xmin", "ymin", "xmax", "ymax"))
        except ValueError as error:
            raise ValueError(f"has no numbers for the sides of object {number}") from error
        difficult = (element.findtext("difficult") or "0").strip() not in ("0", "false", "False")
        found.append((name.strip(), (left - 1, top - 1, right, bottom), difficult))
    return found

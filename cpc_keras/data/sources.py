"""One string names where images come from."""

import os
import pathlib
import re

import numpy as np

from cpc_keras.data.image_files import EXTENSIONS, read_image, read_size
from cpc_keras.data.image_set import BadFile, ImageSet, check_bad_share
from cpc_keras.data.tiles import tile_images
from cpc_keras.data.voc import image_rows
from cpc_keras.errors import InputError

KINDS = ("tfds", "dir", "classes", "csv", "voc")
SPLIT_NAMES = ("train", "validation", "val", "test")


def open_source(source, split=None, max_bad_share=0.1, labelled_only=False, tile=None):
    """Opens a set of images.

    Args:
        source: One of

            * `tfds:NAME[/CONFIG][@SPLIT]`, a TensorFlow Datasets name;
            * `dir:PATH`, any tree of image files, no labels;
            * `classes:PATH`, `PATH/[split/]label/*.png`;
            * `csv:FILE`, columns `path,label[,split]`, paths relative to the file;
              a file that is listed twice counts once;
            * `voc:PATH`, images with PASCAL VOC annotations, see
              `open_boxed_images`; no labels.

            A bare path is understood when it is unambiguous: a CSV file, or a
            folder whose images all lie directly in it (`dir:`) or in folders
            one level down (`classes:`).
        split: Name of the split, overridden by `@SPLIT`; `None` is `"train"`
            where the source has splits and all images where it has none.
            `"all"` is every image of files, whatever their split.
        max_bad_share: Largest share of files with an unreadable header that is
            put up with; they are listed in the result's `bad_files`.
        labelled_only: Whether files without a label are left out where others
            have one.
        tile: Side in pixels of the tiles into which larger images are cut; tiles
            have no labels. `None` leaves images whole.

    Returns:
        An `ImageSet`, in an order that depends on the names alone.

    Raises:
        InputError: If the source cannot be understood, found or read.

    Example:

    >>> open_source("dir:/no/such/folder")
    Traceback (most recent call last):
    cpc_keras.errors.InputError: `data` must name an existing folder. Received: dir:/no/such/folder
    """
    kind, place = parse_source(source)
    if kind == "tfds":
        from cpc_keras.data.tfds_images import open_tfds

        name, _, own_split = place.partition("@")
        images = open_tfds(name, own_split or (split if split != "all" else None) or "train", source)
        return images if tile is None else tile_images(images, tile)[0]
    rows = _rows(kind, place, source)
    if labelled_only:
        rows = [row for row in rows if row[1] is not None] or rows
    # Classes come from every row, so that neither a bad file nor a split changes their numbers.
    labels = [row[1] for row in rows]
    rows, split = _of_split(rows, split, source)
    images = _from_files(rows, split, source, max_bad_share, labels)
    return images if tile is None else tile_images(images, tile)[0]


def source_splits(source):
    """Names of a source's splits, sorted; empty where it has none.

    Args:
        source: Where they are, see `open_source`.

    Raises:
        InputError: As `open_source`.
    """
    kind, place = parse_source(source)
    if kind == "tfds":
        from cpc_keras.data.tfds_images import tfds_splits

        return tfds_splits(place.partition("@")[0], source)
    splits = {row[2] for row in _rows(kind, place, source)}
    return tuple(sorted({split or "train" for split in splits})) if splits != {None} else ()


def check_source(source):
    """Raises `InputError` if a source cannot be understood, or its file or folder is not there; opens nothing."""
    kind, place = parse_source(source)
    if kind in ("dir", "classes") and not pathlib.Path(place).is_dir():
        raise InputError(f"`data` must name an existing folder. Received: {source}")
    if kind == "csv" and not pathlib.Path(place).is_file():
        raise InputError(f"`data` must name an existing CSV file. Received: {source}")


def parse_source(source):
    """Splits a source into its kind and the rest.

    Example:

    >>> parse_source("tfds:fashion_mnist@train[:10%]")
    ('tfds', 'fashion_mnist@train[:10%]')
    """
    kind, separator, place = source.partition(":")
    if separator and kind in KINDS:
        if not place:
            raise InputError(f"`data` must name something after '{kind}:'. Received: {source}")
        return kind, place
    path = pathlib.Path(source)
    if path.is_file() and path.suffix.lower() == ".csv":
        return "csv", source
    if path.is_dir():
        depths = {len(file.relative_to(path).parts) for file in _image_paths(path)}
        if depths == {1}:
            return "dir", source
        if depths == {2}:
            return "classes", source
    raise InputError(
        "`data` must be tfds:NAME, dir:PATH, classes:PATH, csv:FILE or voc:PATH, or a path that can only "
        f"mean one of them. Received: {source}"
    )


def _image_paths(folder):
    """Image files below a folder, in natural order of their names."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders.sort()
        found += [pathlib.Path(parent, name) for name in files]
    images = [path for path in found if path.suffix.lower() in EXTENSIONS]
    return sorted(images, key=lambda path: _natural_key(str(path)))


def _natural_key(text):
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text)]


def _rows(kind, place, source):
    """`(path, label or None, split or None)` of each file of a source."""
    check_source(source)
    path = pathlib.Path(place)
    if kind == "csv":
        return _csv_rows(path, source)
    if kind == "voc":
        return image_rows(path, source)
    paths = _image_paths(path)
    if not paths:
        raise InputError(
            f"`data` must hold at least one image file ({', '.join(EXTENSIONS)}). Received: {source} with none"
        )
    if kind == "dir":
        return [(file, None, None) for file in paths]
    rows = []
    for file in paths:
        parts = file.relative_to(path).parts
        if len(parts) < 2:
            raise InputError(f"`data` must have a folder for each label. Received: {source} with {file}")
        in_split = len(parts) > 2 and parts[0] in SPLIT_NAMES
        rows.append((file, parts[1] if in_split else parts[0], parts[0] if in_split else None))
    return rows


def _csv_rows(path, source):
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"`data` must be a readable CSV file. Received: {source} ({reason})") from error
    if not {"path", "label"} <= set(table.columns):
        raise InputError(
            f"`data` must have the columns path,label[,split]. Received: {source} with {','.join(table.columns)}"
        )
    if table.empty:
        raise InputError(f"`data` must have at least one row. Received: {source} with none")
    rows: dict[pathlib.Path, tuple] = {}
    splits = table["split"] if "split" in table.columns else [None] * len(table)
    for number, (name, label, split) in enumerate(zip(table["path"], table["label"], splits, strict=True), start=2):
        file = path.parent / name
        if not file.is_file():
            raise InputError(f"`data` must name existing files. Received: {source} line {number} with {file}")
        row = (file, label or None, split or None)
        if rows.setdefault(file.resolve(), row)[1:] != row[1:]:
            raise InputError(
                f"`data` must name a file with one label and split. Received: {source} line {number} with {file} again"
            )
    return list(rows.values())


def _of_split(rows, split, source):
    splits = {row[2] for row in rows}
    if split == "all":
        return rows, "all"
    if splits != {None}:
        # Beside rows of a named split, those of none are for training.
        rows = [(path, label, own or "train") for path, label, own in rows]
        splits = {row[2] for row in rows}
    else:
        if split not in (None, "train"):
            raise InputError(f"`data` must have the split {split!r}. Received: {source} without splits")
        return rows, "all"
    split = split or "train"
    chosen = [row for row in rows if row[2] == split]
    if not chosen:
        known = ", ".join(sorted(map(str, splits)))
        raise InputError(f"`data` must have the split {split!r}. Received: {source} with {known}")
    return chosen, split


def _from_files(rows, split, source, max_bad_share, labels):
    good, sizes, bad = [], [], []
    for row in rows:
        try:
            sizes.append(read_size(row[0]))
        except (OSError, ValueError) as error:
            bad.append(BadFile(str(row[0]), _reason(error)))
        else:
            good.append(row)
    check_bad_share(source, len(good), bad, max_bad_share)
    names = [label for _, label, _ in good]
    labelled = all(name is not None for name in names)
    class_names = tuple(sorted(set(labels) - {None}, key=_natural_key)) if labelled else None
    number = {name: index for index, name in enumerate(class_names or ())}
    paths = [str(path) for path, _, _ in good]
    return ImageSet(
        name=source,
        split=split,
        ids=paths,
        read=lambda index: read_image(paths[index]),
        sizes=np.array(sizes),
        labels=np.array([number[name] for name in names], dtype="int64") if labelled else None,
        class_names=class_names,
        bad_files=bad,
    )


def _reason(error):
    text = str(error)
    return "is not an image" if "cannot identify image file" in text else text

"""One string names where images come from."""

import functools
import os

import numpy as np

from cpc_keras.data.bad_files import BadFile, check_bad_share
from cpc_keras.data.folders import natural_key
from cpc_keras.data.image_set import ImageSet
from cpc_keras.data.images import MAX_PIXELS, MAX_TILED_PIXELS, read_image, read_size
from cpc_keras.data.known_files import KnownFiles
from cpc_keras.data.named_files import NamedFiles, csv_files, folder_files, list_folder
from cpc_keras.data.splits import TRAIN, split_of
from cpc_keras.data.tiles import tile_images
from cpc_keras.data.voc import image_rows
from cpc_keras.errors import InputError

KINDS = ("tfds", "dir", "classes", "csv", "voc")


def open_source(source, split=None, max_bad_share=0.1, labelled_only=False, tile=None, progress=None):
    """Opens a set of images.

    Args:
        source: One of

            * `tfds:NAME[/CONFIG][@SPLIT]`, a TensorFlow Datasets name;
            * `dir:PATH`, any tree of image files, no labels;
            * `classes:PATH`, `PATH/[split/]label/*.png`; a folder named like a
              split (train, training, val, valid, validation, dev, test, testing)
              or "unlabeled" is no class, and images in no class have no label;
            * `csv:FILE`, columns `path,label[,split]`, paths relative to the file;
              a file that is listed twice counts once, an empty label or -1 is
              none;
            * `voc:PATH`, images with PASCAL VOC annotations, see
              `open_boxed_images`; no labels.

            A bare path is understood when it is unambiguous: a CSV file, or a
            folder whose images all lie directly in it (`dir:`) or in folders
            one level down, or two below splits (`classes:`). `~` is the user's
            home. Which files of a folder are images, see
            `cpc_keras.data.folders.list_images`.
        split: Name of the split, overridden by `@SPLIT`; `None` is `"train"`
            where the source has splits and all images where it has none.
            `"all"` is every image of files, whatever their split.
        max_bad_share: Largest share of files with an unreadable header that is
            put up with; they are listed in the result's `bad_files`.
        labelled_only: Whether files without a label are left out where others of
            the split have one.
        tile: Side in pixels of the tiles into which larger images are cut; tiles
            have no labels. `None` leaves images whole.
        progress: Hears how far the reading of headers is, as
            `cpc_keras.progress.NoProgress`.

    Returns:
        An `ImageSet`, in an order that depends on the names alone.

    Raises:
        InputError: If the source cannot be understood, found or read.

    Example:

    >>> open_source("dir:/no/such/folder")
    Traceback (most recent call last):
    cpc_keras.errors.InputError: `data` must name an existing folder. Received: dir:/no/such/folder
    """
    return Source(source).open(split, max_bad_share, labelled_only, tile, progress)


def source_splits(source):
    """Names of a source's splits, sorted; empty where it has none.

    Args:
        source: Where they are, see `open_source`.

    Raises:
        InputError: As `open_source`.
    """
    return Source(source).splits


def check_source(source):
    """Raises `InputError` if a source cannot be understood, or its file or folder is not there; opens no image."""
    kind, place = parse_source(source)
    if kind in ("dir", "classes", "voc") and not os.path.isdir(place):
        raise InputError(f"`data` must name an existing folder. Received: {source}")
    if kind == "csv" and not os.path.isfile(place):
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
        return kind, place if kind == "tfds" else os.path.expanduser(place)
    place = os.path.expanduser(source)
    if os.path.isfile(place) and place.lower().endswith(".csv"):
        return "csv", place
    if os.path.isdir(place):
        parts = [name.split("/") for name in list_folder(place, source).images]
        depths = {len(one) for one in parts}
        if depths == {1}:
            return "dir", place
        if depths == {2} or (depths == {3} and all(split_of(one[0]) for one in parts)):
            return "classes", place
    raise InputError(
        "`data` must be tfds:NAME, dir:PATH, classes:PATH, csv:FILE or voc:PATH, or a path that can only "
        f"mean one of them. Received: {source}"
    )


class Source:
    """A source that has been understood; its files are listed once.

    Args:
        source: See `open_source`.

    Raises:
        InputError: If it cannot be understood.
    """

    def __init__(self, source):
        self.source = source
        self.kind, self.place = parse_source(source)

    @property
    def splits(self):
        """Names of its splits, sorted; empty where it has none."""
        if self.kind == "tfds":
            from cpc_keras.data.tfds_images import tfds_splits

            return tfds_splits(self.place.partition("@")[0], self.source)
        splits = set(self._files.splits)
        return tuple(sorted({split or TRAIN for split in splits})) if splits != {None} else ()

    def open(self, split=None, max_bad_share=0.1, labelled_only=False, tile=None, progress=None):
        """Opens a split, see `open_source`."""
        if self.kind == "tfds":
            from cpc_keras.data.tfds_images import open_tfds

            name, _, own_split = self.place.partition("@")
            chosen = own_split or (split if split != "all" else None) or TRAIN
            images = open_tfds(name, chosen, self.source, labelled_only)
        else:
            files = self._files
            positions, split = self._of_split(split)
            notes = list(files.notes)
            if labelled_only:
                labelled = [position for position in positions if files.labels[position] is not None]
                if labelled and len(labelled) < len(positions):
                    notes.append(f"Images without a label, which are left out: {len(positions) - len(labelled):,}.")
                positions = labelled or positions
            images = self._images(positions, split, max_bad_share, tile, progress)
            images.notes = notes
        return images if tile is None else tile_images(images, tile)[0]

    @functools.cached_property
    def _files(self):
        check_source(self.source)
        if self.kind == "csv":
            return csv_files(self.place, self.source)
        if self.kind == "voc":
            rows = image_rows(self.place, self.source)
            paths = [str(row[0]) for row in rows]
            return NamedFiles(paths, paths, [None] * len(rows), [row[2] for row in rows])
        return folder_files(self.kind, self.place, self.source)

    def _of_split(self, split):
        """`(positions, name)` of a split's files."""
        splits = self._files.splits
        everything = range(len(splits))
        if split == "all":
            return everything, "all"
        asked, split = split, split_of(split or TRAIN) or split
        if set(splits) == {None}:
            if split != TRAIN:
                raise InputError(f"`data` must have the split {asked!r}. Received: {self.source} without splits")
            return everything, "all"
        # Beside files of a named split, those of none are for training.
        chosen = [position for position in everything if (splits[position] or TRAIN) == split]
        if not chosen:
            known = ", ".join(self.splits)
            raise InputError(f"`data` must have the split {asked or TRAIN!r}. Received: {self.source} with {known}")
        return chosen, split

    def _images(self, positions, split, max_bad_share, tile, progress):
        """The files at some positions, as images."""
        files = self._files
        most = MAX_PIXELS if tile is None else MAX_TILED_PIXELS
        names, paths = ([listed[position] for position in positions] for listed in (files.names, files.paths))
        known = KnownFiles(self.place, names, paths, functools.partial(read_size, max_pixels=most), progress)
        bad = files.bad + [BadFile(paths[place], reason) for place, reason in known.reasons.items()]
        good = [place for place in range(len(paths)) if place not in known.reasons]
        check_bad_share(self.source, len(good), bad, max_bad_share)
        labels = [files.labels[positions[place]] for place in good]
        labelled = all(label is not None for label in labels)
        # Classes come from every file, so that neither a bad one nor a split changes their numbers.
        class_names = tuple(sorted(set(files.labels) - {None}, key=natural_key)) if labelled else None
        number = {name: index for index, name in enumerate(class_names or ())}
        ids = [paths[place] for place in good]
        return ImageSet(
            name=self.source,
            split=split,
            ids=ids,
            read=lambda index: read_image(ids[index], most),
            sizes=known.sizes[good],
            labels=np.array([number[label] for label in labels], dtype="int64") if labelled else None,
            class_names=class_names,
            bad_files=bad,
            verified=bool(known.whole[good].all()),
            confirm=lambda decoded: known.confirm(np.asarray(good)[decoded]),
        )

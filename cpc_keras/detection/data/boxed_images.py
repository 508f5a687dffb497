"""Images with boxes around their objects."""

import dataclasses
import pathlib

import numpy as np

from cpc_keras.data.bad_files import BadFile, check_bad_share, plain_reason
from cpc_keras.data.image_set import ImageSet
from cpc_keras.data.images import read_image, read_size
from cpc_keras.data.preparation import prepare
from cpc_keras.data.sources import parse_source
from cpc_keras.data.voc import Annotation, find_entries, names_of_split, read_annotation
from cpc_keras.detection.data.boxes import Boxes, areas, make_boxes
from cpc_keras.detection.data.drawn_boxes import place_boxes
from cpc_keras.errors import InputError


@dataclasses.dataclass
class BoxedImages:
    """Images and the objects on them.

    Attributes:
        images: An `ImageSet`.
        boxes: A `Boxes` for each image.
        class_names: Names by class.
        notes: What to know about the data, a list of sentences.
    """

    images: ImageSet
    boxes: list[Boxes]
    class_names: tuple[str, ...]
    notes: list[str] = dataclasses.field(default_factory=list)

    def __len__(self):
        return len(self.images)

    def subset(self, positions):
        """The images at `positions`, in that order."""
        positions = [int(position) for position in positions]
        return dataclasses.replace(
            self, images=self.images.subset(positions), boxes=[self.boxes[position] for position in positions]
        )

    def prepared(self, channels, max_bad_share=0.1):
        """Decoded once, converted to `channels`, and kept in memory if they fit; bad ones left out."""
        images = prepare(self.images, channels, None, max_bad_share)
        place = {one: position for position, one in enumerate(self.images.ids)}
        boxes = [self.boxes[place[one]] for one in images.ids]
        return dataclasses.replace(self, images=images, boxes=boxes)


def open_boxed_images(source, split="train", class_names=None, max_bad_share=0.1):
    """Opens images with boxes.

    Boxes that reach beyond their image are cut off at its edge; those that lie
    outside, or have no area, are left out. Images without a box stay: they show
    what background looks like. `notes` counts all of them.

    Args:
        source: `voc:PATH`, a folder with `JPEGImages`, `Annotations` and perhaps
            `ImageSets`, or one of XML files beside images; or `tfds:NAME[/CONFIG][@SPLIT]`
            with `objects`.
        split: `"train"` (of VOC `trainval`, if there is a `test` beside it), `"test"`
            (or else `val`), or another name. A source without splits has one only,
            for training.
        class_names: Names by class, as of the training images; those that occur
            in any split, in alphabetical order, if `None`.
        max_bad_share: Largest share of unreadable files that is put up with.

    Returns:
        A `BoxedImages`.

    Raises:
        InputError: If the source cannot be understood, found or read, has no such
            split, or an object is of none of the classes.
    """
    kind, place = parse_source(source)
    if kind == "tfds":
        from cpc_keras.detection.data.tfds_boxes import open_tfds_boxes

        name, _, own_split = place.partition("@")
        images, objects, names = open_tfds_boxes(name, own_split or split, source)
        return _checked(images, objects, _agreed(names, class_names, source))
    if kind != "voc":
        raise InputError(f"`data` must be voc:PATH or tfds:NAME, which have boxes. Received: {source}")
    entries = find_entries(place, source)
    chosen = _of_split(entries, split, source)
    annotations: dict[pathlib.Path, Annotation] = {}
    reasons: dict[pathlib.Path, str] = {}
    for entry in {entry.annotation: entry for some in entries.values() for entry in some}.values():
        try:
            annotations[entry.annotation] = read_annotation(entry.annotation)
        except ValueError as error:
            reasons[entry.annotation] = str(error)
    occurring = sorted({name for one in annotations.values() for name, _, _ in one.objects})
    names = tuple(class_names or occurring)
    images, kept, notes = _open_images(chosen, annotations, reasons, source, split, max_bad_share)
    number = {name: index for index, name in enumerate(names)}
    objects = []
    for entry, boxes in kept:
        found = annotations[entry.annotation].objects
        unknown = sorted({name for name, _, _ in found} - set(number))
        if unknown:
            raise InputError(
                f"`classes` must name every class of the annotations, {', '.join(names)}. "
                f"Received: {entry.annotation} with {unknown[0]!r}"
            )
        objects.append(
            make_boxes(
                boxes,
                [number[name] for name, _, _ in found],
                [difficult for _, _, difficult in found],
            )
        )
    if not names:
        raise InputError(f"`data` must hold at least one object. Received: {source} with none")
    checked = _checked(images, objects, names)
    return dataclasses.replace(checked, notes=notes + checked.notes)


def open_test_images(source, class_names, other=None, max_bad_share=0.1):
    """Opens the images that detectors are tested on.

    Args:
        source: Where the training images are.
        class_names: Names by class.
        other: A source of its own for them: its split for testing, or all of it where
            it has none. If `None` they are the split for testing of `source`.
        max_bad_share: Largest share of unreadable files that is put up with.

    Returns:
        A `BoxedImages`.

    Raises:
        InputError: As `open_boxed_images`.
    """
    if other is not None:
        split = "test" if has_split(other, "test") else "train"
        return open_boxed_images(other, split, class_names, max_bad_share)
    kind, place = parse_source(source)
    whole = f"{kind}:{place.partition('@')[0]}" if kind == "tfds" else source  # a split that it names is for training
    return open_boxed_images(whole, "test", class_names, max_bad_share)


def has_split(source, split):
    """Whether a source has a split of this name, or one that means the same."""
    kind, place = parse_source(source)
    if kind == "tfds":
        from cpc_keras.data.tfds_images import tfds_splits

        return split in tfds_splits(place.partition("@")[0], source)
    entries = find_entries(place, source)
    return any(name in entries for name in names_of_split(entries, split))


def _of_split(entries, split, source):
    if set(entries) == {None}:
        if split != "train":
            raise InputError(f"`data` must have the split {split!r}. Received: {source} without splits")
        return entries[None]
    for name in names_of_split(entries, split):
        if name in entries:
            return entries[name]
    known = ", ".join(sorted(entries))
    raise InputError(f"`data` must have the split {split!r}. Received: {source} with {known}")


def _agreed(names, class_names, source):
    if class_names is not None and tuple(class_names) != tuple(names):
        raise InputError(
            f"`classes` must be those of the data, {', '.join(names)}. Received: {', '.join(class_names)} for {source}"
        )
    return tuple(names)


def _open_images(entries, annotations, reasons, source, split, max_bad_share):
    """`(images, [(entry, boxes)], notes)` of those that can be read."""
    good, sizes, bad = [], [], []
    moved: dict[str, list] = {}
    for entry in entries:
        if entry.annotation in reasons:
            bad.append(BadFile(str(entry.annotation), reasons[entry.annotation]))
            continue
        if entry.image is None:
            bad.append(BadFile(str(entry.annotation), "has no image of its name"))
            continue
        annotation = annotations[entry.annotation]
        try:
            height, width, channels = read_size(entry.image)
            drawn = [box for _, box, _ in annotation.objects]
            boxes, how = place_boxes(drawn, annotation.size, (width, height), entry.image)
        except (OSError, ValueError) as error:
            bad.append(BadFile(str(entry.image), plain_reason(error)))
        else:
            good.append((entry, boxes))
            sizes.append((height, width, channels))
            if how:
                moved.setdefault(how, []).append(entry.image)
    check_bad_share(source, len(good), bad, max_bad_share)
    paths = [str(entry.image) for entry, _ in good]
    images = ImageSet(source, split, paths, lambda index: read_image(paths[index]), np.array(sizes), bad_files=bad)
    notes = [
        f"Images that were {how} after they were annotated: {len(of)}, the first {of[0]}; so are their boxes now."
        for how, of in moved.items()
    ]
    return images, good, notes


def _checked(images, objects, names):
    """Boxes cut off at the edges, those without area left out, and what there is to tell of it."""
    notes, kept = [], []
    cut, gone = [], []
    for one, size, found in zip(images.ids, images.sizes, objects, strict=True):
        edges = np.array([size[1], size[0], size[1], size[0]], "float32")
        clipped = np.clip(found.boxes, 0.0, edges)
        whole = areas(clipped) > 0
        if not whole.all():
            gone += [one] * int((~whole).sum())
        if np.any(clipped[whole] != found.boxes[whole]):
            cut += [one] * int(np.any(clipped != found.boxes, axis=1)[whole].sum())
        kept.append(found.moved(clipped).of(whole))
    for listed, what in (
        (cut, "reach beyond their image and are cut off at its edge"),
        (gone, "lie outside their image or have no area, and are left out"),
    ):
        if listed:
            notes.append(f"Boxes that {what}: {len(listed)}, the first in {listed[0]}.")
    empty = [one for one, found in zip(images.ids, kept, strict=True) if not len(found)]
    if empty:
        notes.append(f"Images without a box, which show background alone: {len(empty)}, the first {empty[0]}.")
    if images.bad_files:
        first = images.bad_files[0]
        notes.append(f"Files that are left out: {len(images.bad_files)}, the first {first.path}, which {first.reason}.")
    return BoxedImages(images, kept, names, notes)

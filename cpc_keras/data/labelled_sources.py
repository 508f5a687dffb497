"""Labelled images out of a source: their training part, their test part, and what is odd about them."""

import os

import numpy as np

from cpc_keras.data.labelled_images import FOLDS, LabelledImages, is_uneven
from cpc_keras.data.preparation import prepare
from cpc_keras.data.sources import Source
from cpc_keras.data.splits import TEST, VALIDATION, split_of
from cpc_keras.errors import InputError

# What a source without a test split gives up, of each class.
_HELD_OUT = 0.2


def open_labelled_images(
    source,
    channels,
    short_side=None,
    max_bad_share=0.1,
    seed=0,
    cross_validate=False,
    apart=frozenset(),
    progress=None,
):
    """Opens labelled images with what classifiers are to be tested on.

    The test images are the split `test`, else `validation`. A source without
    either gives up a fifth of each class, drawn with the seed, or is
    cross-validated.

    Args:
        source: Where they are, see `cpc_keras.data.open_source`.
        channels: 1 or 3.
        short_side: Length in pixels to which the shorter side is resized; `None` leaves
            sizes as they are.
        max_bad_share: Largest share of bad files that is put up with.
        seed: Whole number.
        cross_validate: Whether a source without a test split is cross-validated.
        apart: Names of images that are left out of training, whatever they are.
        progress: Hears how far the reading of files is, as
            `cpc_keras.progress.NoProgress`.

    Returns:
        A `LabelledImages`.

    Raises:
        InputError: If the source has no labels, or one class only.
    """
    opened = Source(source)
    train = opened.open(max_bad_share=max_bad_share, labelled_only=True, progress=progress)
    if train.labels is None:
        raise InputError(f"`data` must have labels to evaluate with. Received: {source}")
    notes = list(train.notes)
    test = _open_test(opened, train, max_bad_share, notes, progress)
    if test is not None:
        test = prepare(test, channels, short_side, max_bad_share, progress)
    train = prepare(train, channels, short_side, max_bad_share, progress)
    if test is None and not cross_validate:
        kept, held_out = _hold_out(train.labels, seed)
        if not len(held_out):
            raise InputError(
                f"`data` must have a class of two images, one of them to test on. Received: {source} with "
                f"{len(kept)} labelled images, each of a class of its own"
            )
        train, test = train.subset(kept), train.subset(held_out)
        test.split = f"a fifth of each class of {train.split}, held out"
    if apart:
        apart = {_resolved(one) for one in apart}
        train = train.subset([position for position, one in enumerate(train.ids) if _resolved(one) not in apart])
    of_two = ""
    if test is None:
        train, of_two = _without_single(train, notes), " of two images or more"
    counts = np.bincount(train.labels, minlength=len(train.class_names))
    if np.count_nonzero(counts) < 2:
        raise InputError(
            f"`data` must have at least two classes{of_two}. Received: {source} with {np.count_nonzero(counts)}"
        )
    _note(train, test, counts[counts > 0], notes)
    return LabelledImages(train, test, seed, notes)


def _open_test(source, train, max_bad_share, notes, progress):
    """The labelled images of the split `test`, or else of the validation split; `None` if neither has any."""
    whole = source
    if source.kind == "tfds":  # of a source with a split of its own, the others
        whole = Source(f"tfds:{source.place.partition('@')[0]}")
    for wanted in (TEST, VALIDATION):
        for name in whole.splits:
            if split_of(name) != wanted or name == train.split:
                continue
            test = whole.open(name, max_bad_share, labelled_only=True, progress=progress)
            if test.labels is not None:
                notes += [note for note in test.notes if note not in notes]
                return test
            notes.append(f"The split {name!r} has no labels (images: {len(test):,}), so nothing can be tested on it.")
    return None


def _resolved(name):
    """A file by whatever path it is named; other names as they are."""
    return os.path.realpath(name) if os.path.exists(name) else name


def _hold_out(labels, seed):
    rng = np.random.default_rng([seed, len(labels)])
    parts = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        parts.append(members[: min(len(members) - 1, max(1, round(_HELD_OUT * len(members))))])
    held_out = np.sort(np.concatenate(parts))
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out


def _without_single(train, notes):
    """Without classes of one image, which can be in the training part or the test part, not in both."""
    counts = np.bincount(train.labels, minlength=len(train.class_names))
    single = np.flatnonzero(counts == 1)
    if not len(single):
        return train
    names = ", ".join(repr(train.class_names[label]) for label in single)
    notes.append(f"Left out, for they have one labelled image only: {names}.")
    return train.subset(np.flatnonzero(~np.isin(train.labels, single)))


def _note(train, test, counts, notes):
    bad = {file.path: file for part in (train, test) if part is not None for file in part.bad_files}
    if bad:
        first = next(iter(bad.values()))
        notes.append(
            f"{len(bad)} labelled file{'s' if len(bad) > 1 else ''} could not be read and "
            f"{'are' if len(bad) > 1 else 'is'} left out, the first {first.path}: {first.reason}."
        )
    images = LabelledImages(train, test)
    if test is None:
        notes.append(
            f"There is no test split: figures are cross-validated over {images.folds} folds of {len(train):,} images, "
            "each tested by classifiers that never saw it."
        )
        if counts.min() < FOLDS:
            notes.append(f"The smallest class has {counts.min()} images; figures of it are a matter of luck.")
    else:
        unknown = np.setdiff1d(test.labels, train.labels)
        if len(unknown):
            names = ", ".join(repr(train.class_names[label]) for label in unknown)
            notes.append(f"No training image shows these classes, so none of their test images can be right: {names}.")
        untested = np.setdiff1d(train.labels, test.labels)
        if len(untested):
            names = ", ".join(repr(train.class_names[label]) for label in untested)
            notes.append(f"No test image shows these classes, so figures say nothing of them: {names}.")
    if images.uneven:
        notes.append(f"{_where_uneven(images)}: balanced accuracy is the figure to read.")


def _where_uneven(images):
    counts = np.unique(images.train_labels, return_counts=True)[1]
    if is_uneven(counts):
        what, alike = "Classes", ", and fits count each class alike"
    else:
        counts, what, alike = np.unique(images.test_labels, return_counts=True)[1], "Classes of the test images", ""
    return f"{what} are uneven, from {counts.min():,} to {counts.max():,} labelled images{alike}"

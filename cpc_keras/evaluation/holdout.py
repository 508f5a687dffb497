"""Every rule by which labels are held out inside a labelled subset, to choose settings by."""

import dataclasses

import numpy as np
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedShuffleSplit

from cpc_keras.data.label_subsets import choose_labels


@dataclasses.dataclass(frozen=True)
class Holdout:
    """How labels are held out: by stratified folds, or in one part where there are many.

    Attributes:
        folds: Number of folds; fewer if a class (of two labels or more) has fewer.
        folds_of_many: Number of folds above `few` labels; `folds` if `None`.
        few: Labels up to which `folds` folds are made, and made anew as often as all
            repeats together hold out at most so many labels.
        repeats: How often the folds are made at most.
        single_above: Labels above which one held-out part replaces the folds: a
            third, or what `most_train` leaves.
        most: Labels that are used at most, three a class if that is more; `None` for all.
        most_train: Labels to train on at most beside a single held-out part, three a
            class if that is more; `None` for two thirds.
        most_held_out: Labels that are held out then at most.

    Example:

    >>> [len(held_out) for _, held_out in PROBES.splits(np.arange(20) % 2)][:5]
    [4, 4, 4, 4, 4]
    """

    folds: int
    folds_of_many: int | None = None
    few: int = 200
    repeats: int = 1
    single_above: int | None = None
    most: int | None = None
    most_train: int | None = None
    most_held_out: int = 2000

    def train_at_most(self, classes):
        """Labels to train on beside a single held-out part, or `None`."""
        return self.most_train and max(self.most_train, 3 * classes)

    def used_at_most(self, classes):
        """Labels that are looked at for a number of classes, or `None` if all are."""
        if self.most_train:
            return self.train_at_most(classes) + self.most_held_out
        return self.most and max(self.most, 3 * classes)

    def splits(self, labels, seed=0):
        """Splits a labelled subset.

        Args:
            labels: Integer array `[N]`.
            seed: Whole number.

        Returns:
            List of `(train, held_out)`, positions among the labels; empty if there are
            not two classes of two labels.
        """
        labels = np.asarray(labels)
        classes = len(np.unique(labels))
        most = self.used_at_most(classes)
        chosen = choose_labels(labels, most, seed) if most else np.arange(len(labels))
        folds = self.folds if len(chosen) <= self.few else self.folds_of_many or self.folds
        repeats = min(self.repeats, max(1, self.few // len(chosen)))
        splits = inner_splits(labels[chosen], folds, repeats, self.single_above, seed, self.train_at_most(classes))
        return [(chosen[train], chosen[held_out]) for train, held_out in splits]


# A probe is cheap: a few labels make a noisy choice, and also make folds and repeats cheap.
PROBES = Holdout(folds=5, folds_of_many=3, repeats=4, single_above=600, most=2000)
# On a graph each fold is spread anew.
PROPAGATED = Holdout(folds=5, single_above=600, most=2000)
# A network is not. From 600 labels, 200 held out choose no better than by luck (a rate that cost 2 points with 6,000);
# 2,000 more to be tested on cost next to nothing.
NETWORKS = Holdout(folds=2, single_above=200, most_train=400)
# A search of `cpc-keras tune` tries many settings, of which the best by a few labels is often the luckiest.
SEARCHES = Holdout(folds=5, repeats=2, single_above=2000)


def inner_splits(labels, folds, repeats=1, single_above=None, seed=0, most_train=None):
    """Stratified folds of the labels, or one held-out part where there are many.

    A class of one label cannot be both trained on and held out: it is in every
    training part and in no other.

    Args:
        labels: Integer array `[N]`.
        folds: Folds; fewer if a class (of two or more) has fewer labels.
        repeats: How often all folds are made anew.
        single_above: Labels above which one held-out third does; `None` for never.
        seed: Whole number.
        most_train: Labels to train on at most beside a single held-out part; all
            others are in that. `None` for two thirds.

    Returns:
        List of `(train, held_out)`, positions; empty if there are not two classes of
        two labels.

    Example:

    >>> [held_out.tolist() for _, held_out in inner_splits([0, 0, 1, 1, 2], folds=2)]
    [[1, 2], [0, 3]]
    """
    labels = np.asarray(labels)
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    common = np.flatnonzero(counts[place] >= 2)
    alone = np.flatnonzero(counts[place] < 2)
    held_out_classes = int(np.sum(counts >= 2))
    if held_out_classes < 2:
        return []
    if single_above is not None and len(common) > single_above and len(common) // 3 >= held_out_classes:
        third = -(-len(common) // 3)
        size = third if most_train is None else max(third, len(common) - most_train)
        splitter = StratifiedShuffleSplit(1, test_size=size, random_state=seed)
    else:
        splitter = RepeatedStratifiedKFold(
            n_splits=int(min(folds, counts[counts >= 2].min())), n_repeats=repeats, random_state=seed
        )
    return [
        (np.concatenate([common[train], alone]), common[held_out])
        for train, held_out in splitter.split(np.zeros(len(common)), labels[common])
    ]


def among_used(splits):
    """The positions that splits use, rising, and the splits counted among these.

    Args:
        splits: List of `(train, held_out)`, at least one.

    Returns:
        `(used, splits)`.

    Example:

    >>> used, ((train, held_out),) = among_used([(np.array([7, 3]), np.array([5]))])
    >>> used.tolist(), train.tolist(), held_out.tolist()
    ([3, 5, 7], [2, 0], [1])
    """
    used = np.unique(np.concatenate([part for split in splits for part in split]))
    return used, [tuple(np.searchsorted(used, part) for part in split) for split in splits]

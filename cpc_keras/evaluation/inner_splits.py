"""Splits inside a labelled subset, by which settings are judged."""

import numpy as np
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedShuffleSplit


def inner_splits(labels, folds, repeats=1, single_above=None, seed=0, most_learnt=None):
    """Stratified folds of the labels, or one held-out part where there are many.

    A class of one label cannot be both learnt from and judged on: it is in
    every training part and in no other.

    Args:
        labels: Integer array `[N]`.
        folds: Folds; fewer if a class (of two or more) has fewer labels.
        repeats: How often all folds are made anew.
        single_above: Labels above which one held-out third does; `None` for never.
        seed: Whole number.
        most_learnt: Labels to learn from at most beside a single held-out part;
            all others are in that. `None` for two thirds.

    Returns:
        List of `(learnt, judged)`, positions; empty if there are not two
        classes of two labels.

    Example:

    >>> [judged.tolist() for _, judged in inner_splits([0, 0, 1, 1, 2], folds=2)]
    [[1, 2], [0, 3]]
    """
    labels = np.asarray(labels)
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    common = np.flatnonzero(counts[place] >= 2)
    alone = np.flatnonzero(counts[place] < 2)
    judged_classes = int(np.sum(counts >= 2))
    if judged_classes < 2:
        return []
    if single_above is not None and len(common) > single_above and len(common) // 3 >= judged_classes:
        third = -(-len(common) // 3)
        held_out = third if most_learnt is None else max(third, len(common) - most_learnt)
        splitter = StratifiedShuffleSplit(1, test_size=held_out, random_state=seed)
    else:
        splitter = RepeatedStratifiedKFold(
            n_splits=int(min(folds, counts[counts >= 2].min())), n_repeats=repeats, random_state=seed
        )
    return [
        (np.concatenate([common[learnt], alone]), common[judged])
        for learnt, judged in splitter.split(np.zeros(len(common)), labels[common])
    ]

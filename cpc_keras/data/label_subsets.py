"""Which images are labelled: stratified, nested, seeded subsets."""

import numpy as np
from sklearn.model_selection import train_test_split

from cpc_keras.errors import InputError


def nested_subsets(labels, seed, labels_per_class=(), fractions=()):
    """Draws subsets that contain one another.

    Each class is shuffled once per seed; a subset takes the first so many of
    every class. A larger subset therefore holds every smaller one of its seed,
    and more images of one class never change which are taken of another.

    Args:
        labels: Integer array `[N]`.
        seed: Whole number.
        labels_per_class: Numbers of labels to take of each class.
        fractions: Shares of all labels to take, in `(0, 1]`; classes keep their
            proportions (rounded), and each has at least one.

    Returns:
        A dictionary from `("per_class", n)` or `("fraction", f)` to an int64
        array of positions, sorted.

    Raises:
        InputError: If a class has fewer images than asked for, or a fraction
            gives fewer labels than there are classes.

    Example:

    >>> import numpy as np
    >>> subsets = nested_subsets(np.repeat([0, 1], 50), seed=0, labels_per_class=(2, 5))
    >>> set(subsets["per_class", 2]) <= set(subsets["per_class", 5])
    True
    """
    return subsets_by_rank(labels, ranks_within_classes(labels, seed), labels_per_class, fractions)


def subsets_by_rank(labels, ranks, labels_per_class=(), fractions=(), class_names=None):
    """The subsets of `nested_subsets`, where the order of drawing is known.

    Args:
        labels: Integer array `[N]`.
        ranks: Integer array `[N]`, as of `ranks_within_classes`.
        labels_per_class: Numbers of labels to take of each class.
        fractions: Shares of all labels to take, in `(0, 1]`.
        class_names: Names by label, for messages.

    Returns:
        As `nested_subsets`.

    Raises:
        InputError: As `nested_subsets`.
    """
    labels = np.asarray(labels)
    classes, counts = np.unique(labels, return_counts=True)
    subsets = {}
    for number in labels_per_class:
        if not 1 <= number <= counts.min():
            smallest = int(classes[counts.argmin()])
            name = f", {class_names[smallest]!r}" if class_names else ""
            raise InputError(
                f"`labels_per_class` must lie in [1, {counts.min()}], the size of the smallest class{name}. "
                f"Received: labels_per_class={number}"
            )
        subsets["per_class", number] = np.flatnonzero(ranks < number)
    for fraction in fractions:
        wanted = fraction * len(labels)
        if not 0 < fraction <= 1 or round(wanted) < len(classes):
            raise InputError(
                f"`fractions` must give at least one label for each of the {len(classes)} classes, and at most all. "
                f"Received: {fraction} of {len(labels)} images, {wanted:.4g} labels"
            )
        quotas = [max(1, round(fraction * count)) for count in counts]
        subsets["fraction", fraction] = np.flatnonzero(ranks < np.take(quotas, np.searchsorted(classes, labels)))
    return subsets


def ranks_within_classes(labels, seed):
    """The order in which labels are drawn: the place of each within its class, shuffled once per seed.

    Args:
        labels: Integer array `[N]`.
        seed: Whole number.

    Returns:
        Integer array `[N]`, from 0 on in each class.

    Example:

    >>> sorted(ranks_within_classes([0, 1, 0, 0], seed=0).tolist())
    [0, 0, 1, 2]
    """
    labels = np.asarray(labels)
    ranks = np.empty(len(labels), "int64")
    for label in np.unique(labels):
        members = np.random.default_rng([seed, int(label)]).permutation(np.flatnonzero(labels == label))
        ranks[members] = np.arange(len(members))
    return ranks


def choose_labels(labels, most, seed):
    """Positions of at most so many labels, drawn by class: all of them where there are no more.

    Args:
        labels: Integer array `[N]`.
        most: The number.
        seed: Whole number.

    Returns:
        Integer array, sorted.

    Example:

    >>> choose_labels([0, 1, 0, 1], most=8, seed=0).tolist()
    [0, 1, 2, 3]
    """
    positions = np.arange(len(labels))
    if len(labels) <= most:
        return positions
    classes, counts = np.unique(labels, return_counts=True)
    by_class = labels if counts.min() >= 2 and len(classes) <= min(most, len(labels) - most) else None
    return np.sort(train_test_split(positions, train_size=most, random_state=seed, stratify=by_class)[0])

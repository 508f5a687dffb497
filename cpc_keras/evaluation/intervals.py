"""How sure an accuracy is, and what pre-training is worth in labels."""

import numpy as np
import pandas as pd

from cpc_keras.evaluation.label_table import budget_name

DRAWS = 1000
KEYS = ("method", "encoder", "checkpoint", "labels")


def bootstrap_means(correct, seed=0, draws=DRAWS):
    """Mean accuracies of resampled label subsets and examined images.

    Subsets and images are drawn with replacement, the images anew for every
    draw but the same for all subsets, so what both are a sample of is taken
    into account. The same seed draws the same subsets and images for every
    method: differences of two methods are paired.

    Args:
        correct: Boolean array `[seeds, N]`, whether the classifier learnt from a
            subset was right on an image.
        seed: Whole number.
        draws: How many.

    Returns:
        Float array `[draws]`.

    Reference:
        Efron and Tibshirani 1993, An Introduction to the Bootstrap.

    Example:

    >>> bootstrap_means(np.ones((3, 50), bool))[:2].tolist()
    [1.0, 1.0]
    """
    correct = np.asarray(correct, "float32")
    seeds, count = correct.shape
    rng = np.random.default_rng(seed)
    subsets = rng.multinomial(seeds, np.full(seeds, 1 / seeds), draws) / seeds
    means = np.empty(draws)
    for draw in range(draws):
        weights = np.bincount(rng.integers(count, size=count), minlength=count).astype("float32")
        means[draw] = subsets[draw] @ (correct @ weights) / count
    return means


def summarise(cells, labels, figure="top1"):
    """Mean and 95 % interval of each method at each number of labels.

    Args:
        cells: List of `(record, predicted)`, as of `Cells.everything`.
        labels: Integer array `[N]`, the truth of the examined images.
        figure: `"top1"` or `"balanced_accuracy"`, in which every class weighs
            alike.

    Returns:
        A `pandas.DataFrame` with `method`, `encoder`, `checkpoint`, `labels`,
        `budget`, `seeds`, `mean`, `low`, `high`, `lowest`, `highest`, rates in
        `[0, 1]`: `low` to `high` is the 95 % interval of the mean
        by `bootstrap_means`, `lowest` and `highest` are over seeds.
    """
    weights = np.ones(len(labels))
    if figure == "balanced_accuracy":
        classes, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
        weights = len(labels) / (len(classes) * counts[place])
    rows = []
    for key, group in _grouped(cells).items():
        correct = np.stack([predicted == labels for _, predicted in group]) * weights
        draws = bootstrap_means(correct)
        per_seed = [record[figure] for record, _ in group]
        record = group[0][0]
        rows.append(
            {
                **dict(zip(KEYS, key, strict=True)),
                "budget": budget_name(record),
                "seeds": len(group),
                "mean": float(np.mean(per_seed)),
                "low": float(np.quantile(draws, 0.025)),
                "high": float(np.quantile(draws, 0.975)),
                "lowest": min(per_seed),
                "highest": max(per_seed),
            }
        )
    return pd.DataFrame(rows)


def _grouped(cells):
    groups: dict[tuple, list] = {}
    for record, predicted in cells:
        groups.setdefault(tuple(record[key] for key in KEYS), []).append((record, predicted))
    return groups


def worth(accuracy, labels, curve):
    """How many times the labels another method needs to be as accurate.

    Between two points of the curve, accuracy is taken to be linear in the
    logarithm of the labels. A curve that falls is held at its best so far.

    Args:
        accuracy: What was reached.
        labels: With how many labels.
        curve: List of `(labels, accuracy)` of the other method.

    Returns:
        `(factor, bound)`: `bound` is `"equal"`, or `"at least"` if the other
        method is nowhere so accurate, or `"at most"` if it always is.

    Example:

    >>> factor, bound = worth(0.75, 50, [(50, 0.7), (500, 0.8)])
    >>> round(factor, 2), bound
    (3.16, 'equal')
    >>> worth(0.9, 50, [(50, 0.7), (500, 0.8)])
    (10.0, 'at least')
    """
    counts, reached = (np.array(values, dtype="float64") for values in zip(*sorted(curve), strict=True))
    reached = np.maximum.accumulate(reached)
    if accuracy > reached[-1]:
        return float(counts[-1] / labels), "at least"
    if accuracy <= reached[0]:
        return float(counts[0] / labels), "equal" if accuracy == reached[0] else "at most"
    place = int(np.searchsorted(reached, accuracy))
    share = (accuracy - reached[place - 1]) / (reached[place] - reached[place - 1])
    needed = np.exp(np.log(counts[place - 1]) + share * np.log(counts[place] / counts[place - 1]))
    return float(needed / labels), "equal"

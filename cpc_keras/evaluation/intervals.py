"""How sure an accuracy is, and what pre-training is worth in labels."""

import numpy as np
import pandas as pd
from scipy import stats

from cpc_keras.evaluation.label_table import budget_name

KEYS = ("method", "encoder", "checkpoint", "labels")
_LEVEL = 0.95


def mean_interval(values):
    """A mean over label subsets and images with its 95 % interval.

    Both are samples: the subsets (Student's t with one degree of freedom less
    than there are subsets, which is wide for three) and the images (normal).

    Args:
        values: Float array `[seeds, N]`, by subset and image; whether a
            classifier was right, or by how much one was better than another.

    Returns:
        `(mean, low, high)`.

    Example:

    >>> mean, low, high = mean_interval(np.tile([1.0, 0.0], (1, 200)))
    >>> round(mean, 2), round(low, 2), round(high, 2)
    (0.5, 0.45, 0.55)
    """
    values = np.asarray(values, "float64")
    seeds, count = values.shape
    of_images = of_subsets = 0.0
    if count > 1:
        of_images = stats.norm.ppf((1 + _LEVEL) / 2) * values.mean(axis=0).std(ddof=1) / np.sqrt(count)
    if seeds > 1:
        of_subsets = stats.t.ppf((1 + _LEVEL) / 2, seeds - 1) * values.mean(axis=1).std(ddof=1) / np.sqrt(seeds)
    half = np.hypot(of_images, of_subsets)
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


class Results:
    """The finished cells of an evaluation beside the truth, for tables and comparisons.

    Args:
        cells: List of `(record, predicted)`, as of `Cells.everything`.
        labels: Integer array `[N]`, the truth of the examined images.
        figure: `"top1"`, or `"balanced_accuracy"`, in which every class weighs
            alike.

    Attributes:
        summary: A `pandas.DataFrame` with `method`, `encoder`, `checkpoint`,
            `labels`, `budget`, `seeds`, `mean`, `low`, `high` (95 % interval of the
            mean), `lowest`, `highest` (over subsets; of one subset, the interval) and
            `top5`, rates in `[0, 1]`.
    """

    def __init__(self, cells, labels, figure="top1"):
        self.cells = cells
        self.labels = np.asarray(labels)
        self.figure = figure
        self._weights = np.ones(len(self.labels))
        if figure == "balanced_accuracy":
            classes, place, counts = np.unique(self.labels, return_inverse=True, return_counts=True)
            self._weights = len(self.labels) / (len(classes) * counts[place])
        self._correct: dict[tuple, dict[int, np.ndarray]] = {}
        for record, predicted in cells:
            correct = (predicted == self.labels) * self._weights
            self._correct.setdefault(_key(record), {})[record["seed"]] = correct
        self.summary = pd.DataFrame([self._row(key) for key in self._correct])

    def _row(self, key):
        records = [record for record, _ in self.cells if _key(record) == key]
        mean, low, high = mean_interval(np.stack(list(self._correct[key].values())))
        top5 = [record["top5"] for record in records]
        figures = [record[self.figure] for record in records]
        return {
            **dict(zip(KEYS, key, strict=True)),
            "budget": budget_name(records[0]),
            "seeds": len(records),
            "mean": mean,
            "low": max(low, 0.0),
            "high": min(high, 1.0),
            "lowest": min(figures) if len(figures) > 1 else max(low, 0.0),
            "highest": max(figures) if len(figures) > 1 else min(high, 1.0),
            "top5": None if None in top5 else float(np.mean(top5)),
        }

    def at(self, checkpoint):
        """The part of `summary` with the CPC encoder at one step, and all that it is compared with."""
        return self.summary[(self.summary["encoder"] != "cpc") | (self.summary["checkpoint"] == checkpoint)]

    def shared(self, one, other):
        """Numbers of the label subsets that two rows of the summary were both given."""
        return sorted(set(self._correct[_key(one)]) & set(self._correct[_key(other)]))

    def compare(self, one, other):
        """Two rows of the summary on the label subsets that both were given.

        Returns:
            `(mean of one, mean of the other, (difference, low, high))`, see
            `mean_interval`.
        """
        ours, theirs = (self._correct[_key(row)] for row in (one, other))
        pairs = np.stack([[ours[seed], theirs[seed]] for seed in self.shared(one, other)])  # [seeds, 2, N]
        means = pairs.mean(axis=(0, 2))
        return float(means[0]), float(means[1]), mean_interval(pairs[:, 0] - pairs[:, 1])


def _key(row):
    return tuple(None if pd.isna(row[name]) else row[name] for name in KEYS)


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

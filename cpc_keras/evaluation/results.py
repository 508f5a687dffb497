"""The results of an evaluation: one method, encoder, checkpoint, budget and seed each, on the disk and compared."""

import numpy as np
import pandas as pd

from cpc_keras.evaluation import methods
from cpc_keras.evaluation.intervals import mean_interval
from cpc_keras.evaluation.table import budget_name
from cpc_keras.storage.reading import check_kinds
from cpc_keras.storage.results import ResultStore

FIELDS = (
    *("method", "encoder", "checkpoint", "fraction", "labels", "labels_per_class", "seed", "split"),
    *("top1", "top5", "balanced_accuracy", "selected", "trials", "seconds"),
)
KEYS = ("method", "encoder", "checkpoint", "labels")


class EvaluationStore:
    """Finished results, known again by encoder, settings, labels and images; see `ResultStore`.

    Args:
        folder: Where the results of one data set go.
        tested: Number of its test images, which those of another data set need not
            have; not looked at if `None`.

    Attributes:
        searches: The `ResultStore` of the searches that networks made.
    """

    def __init__(self, folder, tested=None):
        self.folder = folder
        self.tested = tested
        self.searches = ResultStore(folder / "searches", check=_check_search)
        self._store = ResultStore(folder, check=self._check)

    def load(self, name, digest):
        """`(record, predicted)` of a finished result, or `None`.

        Args:
            name: Of the result.
            digest: Of what goes into it.
        """
        found = self._store.load(name, digest)
        return found and (found[0], found[1]["predicted"])

    def record(self, name, digest):
        """The record alone, or `None`."""
        found = self._store.load(name, digest)  # with its arrays: what a table lacks later would not be computed again
        return found and found[0]

    def save(self, name, digest, record, predicted):
        """Keeps a finished result.

        Args:
            name: Of the result.
            digest: Of what went into it.
            record: As in `label_efficiency.json`.
            predicted: Integer array `[N]`, the class given to each test image.
        """
        self._store.save(name, digest, record, predicted=predicted.astype("int32"))

    def everything(self):
        """`[(record, predicted)]` of every finished result, in an order of their own."""
        found = [(record, arrays["predicted"]) for record, arrays in self._store.everything()]
        found.sort(key=lambda result: _rank(result[0]))
        # 60 a class and 1 % may be the same labels, drawn alike: one subset is counted once.
        return list({_subset(record): (record, predicted) for record, predicted in reversed(found)}.values())[::-1]

    def _check(self, record, arrays):
        """Raises an error unless this is what `save` was given, by whatever version."""
        check_kinds(record, method=str, encoder=str, checkpoint=int | None, selected=dict, trials=int)
        check_kinds(record, labels=int, seed=int, labels_per_class=int | None, fraction=int | float | None)
        check_kinds(record, top1=int | float, top5=int | float | None, balanced_accuracy=int | float)
        predicted = arrays["predicted"]
        if predicted.ndim != 1 or predicted.dtype.kind not in "iu" or len(predicted) != (self.tested or len(predicted)):
            raise ValueError(f"it predicts {predicted.dtype} {predicted.shape} for {self.tested} images")


def _check_search(record, arrays):
    check_kinds(record, selected=dict, trials=int)


def _rank(record):
    """Encoders by kind, then checkpoints, methods, budgets, seeds."""
    encoders, encoder = (*methods.ENCODER_WORDS, "scratch"), record["encoder"]
    return (
        encoders.index(encoder) if encoder in encoders else len(encoders),
        encoder,
        -(record["checkpoint"] or 0),
        methods.rank(record["method"]),
        record["labels"],
        record["fraction"] or 0.0,
        record["seed"],
    )


def _subset(record):
    return tuple(record[key] for key in ("method", "encoder", "checkpoint", "labels", "seed"))


class Results:
    """The finished results of an evaluation beside the truth, for tables and comparisons.

    Args:
        results: List of `(record, predicted)`, as of `EvaluationStore.everything`.
        labels: Integer array `[N]`, the truth of the test images.
        figure: `"top1"`, or `"balanced_accuracy"`, in which every class weighs
            alike.

    Attributes:
        summary: A `pandas.DataFrame` with `method`, `encoder`, `checkpoint`,
            `labels`, `budget`, `seeds`, `mean`, `low`, `high` (95 % interval of the
            mean), `lowest`, `highest` (over subsets; of one subset, the interval) and
            `top5`, rates in `[0, 1]`.
    """

    def __init__(self, results, labels, figure="top1"):
        self.results = results
        self.labels = np.asarray(labels)
        self.figure = figure
        self._weights = np.ones(len(self.labels))
        if figure == "balanced_accuracy":
            classes, place, counts = np.unique(self.labels, return_inverse=True, return_counts=True)
            self._weights = len(self.labels) / (len(classes) * counts[place])
        self._correct: dict[tuple, dict[int, np.ndarray]] = {}
        self._records: dict[tuple, list[dict]] = {}
        for record, predicted in results:
            key, correct = _key(record), (predicted == self.labels) * self._weights
            self._correct.setdefault(key, {})[record["seed"]] = correct
            self._records.setdefault(key, []).append(record)
        self.summary = pd.DataFrame([self._row(key) for key in self._correct])

    def _row(self, key):
        records = self._records[key]
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

"""The results of an evaluation: one method, encoder, checkpoint, budget and seed each, on the disk and compared."""

import collections

import numpy as np
import pandas as pd

from cpc_keras.evaluation import methods
from cpc_keras.evaluation.intervals import mean_interval, rate_interval
from cpc_keras.evaluation.table import budget_name
from cpc_keras.storage.reading import check_kinds, note
from cpc_keras.storage.results import ResultStore

FIELDS = (
    *("method", "encoder", "checkpoint", "fraction", "labels", "labels_per_class", "selection", "seed", "split"),
    *("top1", "top5", "balanced_accuracy", "auc", "log_loss", "calibration_error"),
    *("log_loss_before", "calibration_error_before", "temperature", "threshold"),
    *("selected", "trials", "seconds"),
)
# What records of version 0.1 do not have: it kept no probabilities.
LATER_FIELDS = FIELDS[FIELDS.index("auc") : FIELDS.index("threshold") + 1]
KEYS = ("method", "encoder", "checkpoint", "labels", "selection")


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
        """`(record, arrays)` of a finished result, arrays as `save` was given them; or `None`.

        Args:
            name: Of the result.
            digest: Of what goes into it.
        """
        return self._store.load(name, digest)

    def record(self, name, digest):
        """The record alone, or `None`."""
        found = self._store.load(name, digest)  # with its arrays: what a table lacks later would not be computed again
        return found and found[0]

    def save(self, name, digest, record, predicted, confidence=None, class_auc=None, at_threshold=None):
        """Keeps a finished result: eight bytes a test image, twelve of two classes, however many classes there are.

        Args:
            name: Of the result.
            digest: Of what went into it.
            record: As in `label_efficiency.json`.
            predicted: Integer array `[N]`, the class given to each test image.
            confidence: Float array `[N]` in `[0, 1]`, its probability, calibrated.
            class_auc: Float array `[classes]`, see `cpc_keras.evaluation.scores.class_aucs`.
            at_threshold: Of two classes, integer array `[N]`, the class by the threshold.
        """
        arrays = {"predicted": (predicted, "int32"), "confidence": (confidence, "float32")}
        arrays |= {"class_auc": (class_auc, "float32"), "at_threshold": (at_threshold, "int32")}
        given = {name: array.astype(kind) for name, (array, kind) in arrays.items() if array is not None}
        self._store.save(name, digest, record, **given)

    def everything(self):
        """`[(record, predicted)]` of every finished result, in an order of their own."""
        return [(record, arrays["predicted"]) for record, arrays in self.details()]

    def details(self):
        """`[(record, arrays)]` of every finished result, in the same order.

        Records have all `FIELDS`; those of version 0.1 have `None` for what it did not
        measure, and no array but `predicted`. Results of methods that another
        installation added are left out, which is said.
        """
        kept = self._store.everything()
        known = _known_names(record for record, _ in kept)
        found = [({**dict.fromkeys(FIELDS), **one}, arrays) for one, arrays in kept if one["method"] in known]
        found.sort(key=lambda result: _rank(result[0]))
        # 60 a class and 1 % may be the same labels, drawn alike: one subset is counted once.
        return list({_subset(record): (record, arrays) for record, arrays in reversed(found)}.values())[::-1]

    def _check(self, record, arrays):
        """Raises an error unless this is what `save` was given, by whatever version."""
        check_kinds(record, method=str, encoder=str, checkpoint=int | None, selected=dict, trials=int)
        check_kinds(record, labels=int, seed=int, labels_per_class=int | None, fraction=int | float | None)
        check_kinds({"selection": None, **record}, selection=str | None)
        check_kinds(record, top1=int | float, top5=int | float | None, balanced_accuracy=int | float)
        check_kinds(record, **{name: int | float | None for name in LATER_FIELDS if name in record})
        predicted = arrays["predicted"]
        if predicted.ndim != 1 or predicted.dtype.kind not in "iu" or len(predicted) != (self.tested or len(predicted)):
            raise ValueError(f"it predicts {predicted.dtype} {predicted.shape} for {self.tested} images")
        for name in ("confidence", "at_threshold"):
            if name in arrays and arrays[name].shape != predicted.shape:
                raise ValueError(f"its {name} has shape {arrays[name].shape} for {len(predicted)} images")


def known_records(records):
    """Records without those of methods that `METHODS` does not have, which is said.

    Args:
        records: A list of records.
    """
    known = _known_names(records)
    return [record for record in records if record["method"] in known]


def _known_names(records):
    """Names in records whose methods are in `METHODS`; says how many results have others."""
    counts = collections.Counter(record["method"] for record in records)
    known = {name for name in counts if methods.method_and_kind(name)[0] in methods.METHODS}
    for name in sorted(counts.keys() - known):
        count = counts[name]
        note(
            f"{count} result{'s' * (count > 1)} of `{name}`, a method that this installation does not have, "
            f"{'are' if count > 1 else 'is'} left out; nothing is deleted."
        )
    return known


def _check_search(record, arrays):
    check_kinds(record, selected=dict, trials=int)


def _rank(record):
    """Encoders by kind, then checkpoints, methods, budgets, seeds."""
    encoders, encoder = (*methods.ENCODER_WORDS, methods.SCRATCH), record["encoder"]
    return (
        encoders.index(encoder) if encoder in encoders else len(encoders),
        encoder,
        -(record["checkpoint"] or 0),
        methods.rank(record["method"]),
        record["labels"],
        record["fraction"] or 0.0,
        record["selection"] or "",
        record["seed"],
    )


def _subset(record):
    return tuple(record[key] for key in ("method", "encoder", "checkpoint", "labels", "selection", "seed"))


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
            mean), `lowest`, `highest` (over subsets; of one subset, the interval), `top5`
            and `auc` (`None` where a result does not have it), rates in `[0, 1]`, and
            `selection` (empty where labels were drawn). It has those that were drawn.
        with_chosen: The same with those of chosen images behind.
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
        rows = pd.DataFrame([self._row(key) for key in self._correct])
        self.with_chosen = rows.sort_values("selection", kind="stable") if len(rows) else rows
        self.summary = rows[rows["selection"] == ""] if len(rows) else rows

    def _row(self, key):
        records = self._records[key]
        mean, low, high = rate_interval(np.stack(list(self._correct[key].values())))
        figures = [record[self.figure] for record in records]
        return {
            **dict(zip(KEYS, key, strict=True)),
            "budget": budget_name(records[0]),
            "seeds": len(records),
            "mean": mean,
            "low": low,
            "high": high,
            "lowest": min(figures) if len(figures) > 1 else low,
            "highest": max(figures) if len(figures) > 1 else high,
            "top5": _mean_of_all([record["top5"] for record in records]),
            "auc": _mean_of_all([record.get("auc") for record in records]),
        }

    def at(self, checkpoint, chosen=False):
        """The part of `summary` with the CPC encoder at one step, and all that it is compared with.

        Args:
            checkpoint: The step.
            chosen: Whether it is to be the part of `with_chosen`.
        """
        rows = self.with_chosen if chosen else self.summary
        return rows[(rows["encoder"] != "cpc") | (rows["checkpoint"] == checkpoint)]

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


def _mean_of_all(figures):
    return None if None in figures else float(np.mean(figures))


def _key(row):
    known = {name: None if pd.isna(row[name]) else row[name] for name in KEYS if name != "selection"}
    return *known.values(), row.get("selection") or ""

"""Every method at every label budget, each result computed once."""

import collections
import contextlib
import json
import time

import numpy as np

from cpc_keras.evaluation.methods import row_name
from cpc_keras.evaluation.scores import class_aucs, mean_auc, probability_scores, scores
from cpc_keras.evaluation.table import figure_line
from cpc_keras.progress import NoProgress
from cpc_keras.storage import digests

# Seconds between two lines about one method.
_OFTEN = 10.0


class Runner:
    """Fits and tests estimators at every label budget and seed.

    Args:
        data: A `LabelledImages`.
        budgets: List of `Budget`.
        seeds: Number of label subsets at each budget. A list, and a budget that
            takes every label, have one.
        results: An `EvaluationStore`.
        progress: Object with the methods of `NoProgress`, which it is if `None`. It is told
            the figures of a method when they are all there, and those of a budget as far
            as they are, where that takes long.
        tell: Whether it is told figures.

    Attributes:
        splits: Dictionary from `(Budget, seed)` to a list of `Split`, labels rising.
        seconds: Time by part, `"features"` and `"fits"`.
        computed: Number of results that were computed here, not read.
        rows: How many estimators `run` is going to be given, for progress to say which of
            them it is at; `None` if nobody knows.
    """

    def __init__(self, data, budgets, seeds, results, progress=None, tell=True):
        self.data = data
        self.tell = tell
        self.results = results
        self.progress = progress or NoProgress()
        self.seconds = {"features": 0.0, "fits": 0.0}
        self.computed = 0
        self.rows = None
        self._row = 0
        self.splits = {}
        for seed in range(seeds):
            for budget, splits in data.splits(budgets, seed).items():
                if seed == 0 or not (budget.kind == "list" or self._takes_all(splits)):
                    self.splits[budget, seed] = splits
        self.splits = dict(sorted(self.splits.items(), key=lambda item: (_labels(item[1]), item[0][1])))
        self._subsets: dict[tuple, list[str]] = {}

    def add(self, budget, seed):
        """Draws one more label subset, for an estimator that is asked at this one; its key."""
        self.splits.setdefault((budget, seed), self.data.splits([budget], seed)[budget])
        return budget, seed

    def _takes_all(self, splits):
        return self.data.test is not None and len(splits[0].train) == len(self.data.train)

    def run(self, estimator, save=None, keys=None, same_setting=None):
        """Computes the results of an estimator that are missing.

        Args:
            estimator: A `ProbeEstimator` or `NetworkEstimator`.
            save: Function called after each result.
            keys: Those `(Budget, seed)` that it is asked at; all if `None`.
            same_setting: An estimator of another name that trains with the same setting:
                its finished results are taken over where this one's are missing.

        Returns:
            A dictionary from `(Budget, seed)` to the record of its result.
        """
        self._row += 1
        keys = list(self.splits if keys is None else keys)
        records = {
            key: self._finished(estimator, key) or self._taken_over(same_setting, estimator, key) for key in keys
        }
        missing = [key for key, record in records.items() if record is None]
        if not missing:
            return records
        with self._timed("features"):
            estimator.prepare([split for key in missing for split in self.splits[key]], self.progress)
        folds = sum(len(self.splits[key]) for key in missing)
        name = _words(estimator) if self.rows is None else f"{self._row}/{self.rows} {_words(estimator)}"
        self.progress.start(name, folds * estimator.parts)
        spoke = time.monotonic()
        for key in missing:
            began = time.perf_counter()
            with self._timed("fits"):
                record, arrays = self._result(estimator, key)
            record["seconds"] = round(time.perf_counter() - began, 3)
            self.results.save(_name(estimator, key), self._digest(estimator, key), record, **arrays)
            records[key] = record
            self.computed += 1
            if save:
                save()
            if self.tell and time.monotonic() - spoke > _OFTEN and key != missing[-1]:
                self.progress.say(self._so_far(name, records, key[0]))
                spoke = time.monotonic()
        if self.tell:
            self.progress.say(f"{figure_line(name, records.values(), self.data.figure)}.")
        return records

    def _so_far(self, name, records, budget):
        """What a budget's figures are, and of how many of its label subsets."""
        of_budget = [record for (one, _), record in records.items() if one == budget]
        found = [record for record in of_budget if record]
        subsets = "" if len(of_budget) == 1 else f" ({len(found)} of {len(of_budget)} subsets)"
        return f"{figure_line(name, found, self.data.figure)}{subsets}."

    def _finished(self, estimator, key):
        """The record of a finished result, or `None`."""
        return self.results.record(_name(estimator, key), self._digest(estimator, key))

    def _taken_over(self, other, estimator, key):
        """The record of what another estimator found, under this one's name; `None` if it has not."""
        found = other and self.results.load(_name(other, key), self._digest(other, key))
        if not found:
            return None
        record = {**found[0], "method": estimator.name, "trials": estimator.trials, "seconds": 0.0}
        self.results.save(_name(estimator, key), self._digest(estimator, key), record, **found[1])
        return record

    def _result(self, estimator, key):
        """`(record, arrays)`, see `EvaluationStore.save`."""
        budget, seed = key
        splits = self.splits[key]
        probabilities, calibrations, selected, trials = [], [], [], []
        for split in splits:
            found = self.search(estimator, split, seed) if estimator.searches else None
            probabilities.append(estimator.fit(split, seed, found).predict_proba(split))
            calibrations.append(estimator.calibration_)
            selected.append(estimator.selected_)
            trials.append(estimator.trials_)
            self.progress.advance()
        tested = np.concatenate([split.test for split in splits])
        order = np.argsort(tested)
        everything, labels = np.concatenate(probabilities)[order], self.data.test_labels[tested[order]]
        measured, arrays = _judged(labels, probabilities, calibrations, order)
        record = {
            "method": estimator.name,
            "encoder": estimator.encoder_name,
            "checkpoint": estimator.checkpoint,
            "fraction": budget.fraction,
            "labels": _labels(splits),
            "labels_per_class": budget.labels_per_class,
            "selection": budget.selection,
            "seed": seed,
            "split": self.data.split,
            **scores(labels, everything, np.arange(self.data.classes)),
            **measured,
            "selected": _most_common(selected),
            "trials": max(trials),
        }
        return record, arrays

    def search(self, estimator, split, seed):
        """What an estimator's search finds, stored by the labels that it looks at: other budgets come to the same.

        Args:
            estimator: A `NetworkEstimator` that has a search.
            split: A `Split`.
            seed: Whole number.

        Returns:
            `(setting, trials)`.
        """
        searcher = estimator.searcher
        labels = self.data.subset_digest(searcher.searched(split))
        digest = digests.of_json(searcher.digest, self.data.digest, self.data.seed, labels, seed)
        store, name = self.results.searches, f"{searcher.name}-{searcher.encoder_name}-{digest[:16]}"
        kept = store.load(name, digest)
        if kept is None:
            selected, trials = searcher.search(split, seed, self.progress.advance)
            store.save(name, digest, {"selected": selected, "trials": trials})
            return selected, trials
        self.progress.advance(estimator.parts - 1)
        return kept[0]["selected"], kept[0]["trials"]

    def _digest(self, estimator, key):
        budget, seed = key
        if key not in self._subsets:
            self._subsets[key] = [self.data.subset_digest(split.train) for split in self.splits[key]]
        subsets = self._subsets[key]
        return digests.of_json(estimator.digest, self.data.digest, self.data.seed, subsets, budget.name, seed, None)

    @contextlib.contextmanager
    def _timed(self, part):
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] += time.perf_counter() - began


def _judged(labels, probabilities, calibrations, order):
    """`(figures, arrays)` of the probabilities of each split, put into an order, before and after calibration."""
    applied = [one.applied(part) for one, part in zip(calibrations, probabilities, strict=True)]
    before, after = np.concatenate(probabilities)[order], np.concatenate(applied)[order]
    predicted, aucs = before.argmax(axis=1), class_aucs(labels, after)
    figures = {"auc": mean_auc(aucs), **probability_scores(labels, after)}
    figures |= {f"{name}_before": value for name, value in probability_scores(labels, before).items()}
    for name in ("temperature", "threshold"):
        values = [getattr(one, name) for one in calibrations]
        figures[name] = None if None in values else float(np.mean(values))
    arrays = {"predicted": predicted, "confidence": after[np.arange(len(after)), predicted], "class_auc": aucs}
    if figures["threshold"] is not None:
        decided = [one.decided(part) for one, part in zip(calibrations, applied, strict=True)]
        arrays["at_threshold"] = np.concatenate(decided)[order]
    return figures, arrays


def _words(estimator):
    """What a method is called while it is evaluated."""
    trained = estimator.encoder_name == "cpc" and estimator.checkpoint is not None
    step = f" (step {estimator.checkpoint:,})" if trained else ""
    return f"{row_name(estimator.name, estimator.encoder_name)}{step}"


def _labels(splits):
    return round(float(np.mean([len(split.train) for split in splits])))


def _name(estimator, key):
    budget, seed = key
    return f"{estimator.name}-{estimator.encoder_name}-{estimator.checkpoint}-{budget.name}-seed{seed}"


def _most_common(settings):
    return json.loads(collections.Counter(json.dumps(one) for one in settings).most_common(1)[0][0])

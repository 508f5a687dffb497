"""Every contestant at every label budget, each cell computed once."""

import collections
import contextlib
import json
import time

import numpy as np

from cpc_keras.evaluation.networks import MOST_SEARCHED
from cpc_keras.evaluation.scores import scores
from cpc_keras.progress import NoProgress
from cpc_keras.storage import digests


class Sweep:
    """Asks contestants at every label budget and seed.

    Args:
        data: A `LabelledImages`.
        budgets: List of `Budget`.
        seeds: Number of label subsets at each budget. A list, and a budget that
            takes every label, have one.
        cells: A `Cells`.
        progress: Object with the methods of `NoProgress`, which it is if `None`.

    Attributes:
        seconds: Time by part, `"features"` and `"fits"`.
    """

    def __init__(self, data, budgets, seeds, cells, progress=None):
        self.data = data
        self.cells = cells
        self.progress = progress or NoProgress()
        self.seconds = {"features": 0.0, "fits": 0.0}
        self.computed = 0
        self.rounds = {}
        for seed in range(seeds):
            for budget, rounds in data.rounds(budgets, seed).items():
                if seed == 0 or not (budget.kind == "list" or self._takes_all(rounds)):
                    self.rounds[budget, seed] = rounds
        # Rising: what few labels chose may serve the more that contain them.
        self.rounds = dict(sorted(self.rounds.items(), key=lambda item: (_labels(item[1]), item[0][1])))
        self._data_digest = data.digest

    def add(self, budget, seed):
        """Draws one more label subset, for a contestant that is asked at this one; its key."""
        self.rounds.setdefault((budget, seed), self.data.rounds([budget], seed)[budget])
        return budget, seed

    def _takes_all(self, rounds):
        return self.data.test is not None and len(rounds[0].train) == len(self.data.train)

    def run(self, contestant, save=None, keys=None, twin=None):
        """Computes the cells of a contestant that are missing.

        Args:
            contestant: A `ProbeContestant` or `NetworkContestant`.
            save: Function called after each cell.
            keys: Those `(Budget, seed)` that it is asked at; all if `None`.
            twin: A contestant of another name that learns with the same setting: its
                finished answers are taken over where this one's are missing.

        Returns:
            A dictionary from `(Budget, seed)` to the record of its cell.
        """
        records: dict = {}
        for key in self.rounds if keys is None else keys:
            records[key] = self._known(contestant, key, records) or self._taken_over(twin, contestant, key, records)
        missing = [key for key, record in records.items() if record is None]
        if not missing:
            return records
        with self._timed("features"):
            contestant.begin([one for key in missing for one in self.rounds[key]], self.progress)
        folds = sum(len(self.rounds[key]) for key in missing)
        self.progress.start(f"{contestant.encoder}: {contestant.method}", folds * contestant.parts)
        for key in missing:
            records[key] = self._known(contestant, key, records)
            if records[key] is not None:
                continue
            began = time.perf_counter()
            with self._timed("fits"):
                record, predicted = self._cell(contestant, key, records)
            record["seconds"] = round(time.perf_counter() - began, 3)
            self.cells.save(_name(contestant, key), self._digest(contestant, key, records), record, predicted)
            records[key] = record
            self.computed += 1
            if save:
                save()
        return records

    def _known(self, contestant, key, records):
        """The record of a finished cell; `None` if there is none, or if it waits for another's choice."""
        source = self._chooser(contestant, key, records)
        if source is not None and records[source] is None:
            return None
        found = self.cells.load(_name(contestant, key), self._digest(contestant, key, records))
        return found and found[0]

    def _taken_over(self, twin, contestant, key, records):
        """The record of what a twin has answered, under this contestant's name; `None` if it has not."""
        found = twin and self.cells.load(_name(twin, key), self._digest(twin, key, records))
        if not found:
            return None
        record = {**found[0], "method": contestant.method, "trials": contestant.trials, "seconds": 0.0}
        self.cells.save(_name(contestant, key), self._digest(contestant, key, records), record, found[1])
        return record

    def _cell(self, contestant, key, records):
        budget, seed = key
        rounds = self.rounds[key]
        chosen = self._chosen(contestant, key, records)
        answers = []
        for one in rounds:
            answers.append(contestant.answer(self.data, one, seed, chosen))
            self.progress.advance(contestant.parts if chosen else 1)
        examined = np.concatenate([one.test for one in rounds])
        probabilities = np.concatenate([answer.probabilities for answer in answers])[np.argsort(examined)]
        labels = self.data.examined_labels[np.sort(examined)]
        record = {
            "method": contestant.method,
            "encoder": contestant.encoder,
            "checkpoint": contestant.checkpoint,
            "fraction": budget.amount if budget.kind == "fraction" else None,
            "labels": _labels(rounds),
            "labels_per_class": int(budget.amount) if budget.kind == "per_class" else None,
            "seed": seed,
            "split": self.data.split,
            **scores(labels, probabilities, np.arange(self.data.classes)),
            "selected": _most_common([answer.selected for answer in answers]),
            "trials": max(answer.trials for answer in answers),
        }
        return record, probabilities.argmax(axis=1)

    def _chooser(self, contestant, key, records):
        """The largest budget of a part of these labels in which a search goes as deep as it would here."""
        rounds = self.rounds[key]
        if not contestant.inherits or len(rounds) > 1 or _labels(rounds) <= MOST_SEARCHED:
            return None
        held = set(rounds[0].train.tolist())
        for other in reversed(list(records)):
            smaller = self.rounds[other]
            enough = MOST_SEARCHED // 2 <= _labels(smaller) < _labels(rounds)
            if enough and other[1] == key[1] and held.issuperset(smaller[0].train.tolist()):
                return other
        return None

    def _chosen(self, contestant, key, records):
        """`(setting, trials)` of the chooser, or `None`."""
        source = self._chooser(contestant, key, records)
        return None if source is None else (records[source]["selected"], records[source]["trials"])

    def _digest(self, contestant, key, records):
        budget, seed = key
        names = [digests.of_lines(self.data.train.ids[i] for i in one.train) for one in self.rounds[key]]
        chosen = self._chosen(contestant, key, records)
        return digests.of_json(contestant.digest, self._data_digest, self.data.seed, names, budget.name, seed, chosen)

    @contextlib.contextmanager
    def _timed(self, part):
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] += time.perf_counter() - began


def _labels(rounds):
    return round(float(np.mean([len(one.train) for one in rounds])))


def _name(contestant, key):
    budget, seed = key
    return f"{contestant.method}-{contestant.encoder}-{contestant.checkpoint}-{budget.name}-seed{seed}"


def _most_common(settings):
    return json.loads(collections.Counter(json.dumps(one) for one in settings).most_common(1)[0][0])

"""A small evaluation, of real probes and of an estimator that tells what it was asked."""

import numpy as np

from cpc_keras.data.budgets import Budget
from cpc_keras.evaluation.calibration import Calibration
from cpc_keras.evaluation.encoders import pixels_encoder
from cpc_keras.evaluation.networks import estimators
from cpc_keras.evaluation.results import EvaluationStore
from cpc_keras.evaluation.runner import Runner

BUDGETS = [Budget("per_class", 2), Budget("per_class", 5), Budget("fraction", 1.0)]


def probes(data, folder, methods=("linear", "knn")):
    return estimators(pixels_encoder(), methods, data, folder / "features", crop=16)


class PowerCutError(Exception):
    pass


def run_all(data, folder, cut_after=None):
    """A runner and its records; the power is cut after so many results."""
    runner = Runner(data, BUDGETS, 3, EvaluationStore(folder / "cells"))

    def save():
        if runner.computed == cut_after:
            raise PowerCutError

    for estimator in probes(data, folder):
        runner.run(estimator, save)
    return runner, [record for record, _ in runner.results.everything()]


class Spy:
    """Predicts at random, searches, and remembers what it was shown."""

    encoder_name, checkpoint, searches, trials = "cpc", 1, True, 24
    parts = 4
    calibration_ = Calibration()

    def __init__(self, name="finetune"):
        self.name = self.digest = name
        self.searcher = self
        self.searched_labels, self.fitted = [], []

    def prepare(self, splits, progress):
        pass

    def searched(self, split):
        return split.train[split.first_drawn(2, 2400)]

    def search(self, split, seed, progress):
        self.searched_labels.append((len(self.searched(split)), seed))
        return {"of": len(self.searched(split)), "seed": seed}, 3

    def fit(self, split, seed, found):
        self.fitted.append((len(split.train), seed))
        self.selected_, self.trials_ = found
        return self

    def predict_proba(self, split):
        return np.random.default_rng(len(split.train)).dirichlet(np.ones(2), len(split.test))


def run_spy(many, folder, *labels_per_class):
    spy = Spy()
    runner = Runner(many, [Budget("per_class", n) for n in labels_per_class], 2, EvaluationStore(folder))
    records = runner.run(spy)
    return spy, {key[0].amount: {**record, "seconds": 0.0} for key, record in records.items() if key[1] == 0}

"""The tuners of keras-tuner, as a command calls them."""

import math
import os

import keras_tuner

TUNERS = ("random", "bayesian", "hyperband", "grid")
_FACTOR = 3


def make_tuner(kind, hypermodel, trials, seed, folder):
    """A tuner that proposes the same settings again for equal results.

    It always begins anew in `folder`: what was tried before is known to the hypermodel, so a search that is run
    again goes through its finished trials in no time, and comes to the same proposals.

    Args:
        kind: One of `TUNERS`.
        hypermodel: Such as a `LabelFractionHyperModel`; of `"hyperband"` its
            `epochs` are what a whole training is cut into.
        trials: Settings to try at most.
        seed: Whole number.
        folder: For what keras-tuner writes.

    Returns:
        A `keras_tuner.Tuner`.
    """
    common = {
        "hypermodel": hypermodel,
        "objective": hypermodel.objective,
        "seed": seed + 1,  # keras-tuner takes 0 for none
        "directory": str(folder),
        "project_name": "keras_tuner",
        "overwrite": tuner_id() in (None, "chief"),
        "max_consecutive_failed_trials": trials,
    }
    if kind == "hyperband":
        sweeps = max(1, trials // sweep_size(hypermodel.epochs))
        return keras_tuner.Hyperband(
            max_epochs=hypermodel.epochs, factor=_FACTOR, hyperband_iterations=sweeps, **common
        )
    tuners = {
        "random": keras_tuner.RandomSearch,
        "bayesian": keras_tuner.BayesianOptimization,
        "grid": keras_tuner.GridSearch,
    }
    return tuners[kind](max_trials=trials, **common)


def tuner_trials(kind, hypermodel, trials):
    """How many trials a tuner will make of those that it may; Hyperband makes whole sweeps."""
    size = sweep_size(hypermodel.epochs)
    return max(1, trials // size) * size if kind == "hyperband" else trials


def sweep_size(epochs):
    """Trials of one sweep of Hyperband over all of its brackets.

    Args:
        epochs: A power of 3.

    Example:

    >>> [sweep_size(epochs) for epochs in (1, 3, 9, 27)]
    [1, 6, 23, 70]
    """
    brackets = 1 + round(math.log(epochs, _FACTOR))
    return sum(
        math.ceil(brackets / (bracket + 1) * _FACTOR ** (bracket - part))
        for bracket in range(brackets)
        for part in range(bracket + 1)
    )


def epochs_for(trials):
    """The most parts into which Hyperband can cut trainings, so that one sweep has no more than so many trials.

    Example:

    >>> epochs_for(30), epochs_for(70), epochs_for(3)
    (9, 27, 1)
    """
    epochs = 1
    while sweep_size(epochs * _FACTOR) <= trials:
        epochs *= _FACTOR
    return epochs


def tuner_id():
    """This process among several that search together (`"chief"`, or a worker's name); `None` where it is alone."""
    return os.environ.get("KERASTUNER_TUNER_ID") if os.environ.get("KERASTUNER_ORACLE_IP") else None

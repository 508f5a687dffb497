"""The tuners of keras-tuner, as a command calls them."""

import math
import os

import keras_tuner

from cpc_keras.errors import InputError

TUNERS = ("random", "bayesian", "hyperband", "grid")
_FACTOR = 3


def make_tuner(kind, hypermodel, trials, seed, folder):
    """A tuner that proposes the same settings again for equal results.

    It always begins anew in `folder`: what was tried before is known to the
    hypermodel, so a search that is run again goes through its finished trials in no
    time, and comes to the same proposals.

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
        "overwrite": not is_worker(),
        "max_consecutive_failed_trials": trials + 1,  # that is, never
    }
    if kind == "hyperband":
        sweeps = tuner_trials(kind, hypermodel, trials) // sweep_size(hypermodel.epochs)
        return keras_tuner.Hyperband(
            max_epochs=hypermodel.epochs, factor=_FACTOR, hyperband_iterations=sweeps, **common
        )
    if kind == "bayesian":
        # keras-tuner's own number is three for each hyperparameter, which may be all of them.
        return keras_tuner.BayesianOptimization(max_trials=trials, num_initial_points=max(3, trials // 3), **common)
    if kind == "grid":
        return keras_tuner.GridSearch(
            max_trials=trials, hyperparameters=hypermodel.coarse_space(), tune_new_entries=False, **common
        )
    return keras_tuner.RandomSearch(max_trials=trials, **common)


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


def is_worker():
    """Whether this process takes trials from a chief, and another one writes what came of them.

    Raises:
        InputError: If the variables of keras-tuner name a chief and not how it is
            reached, or not who this is.
    """
    given = {name: os.environ.get(f"KERASTUNER_{name}") for name in ("TUNER_ID", "ORACLE_IP", "ORACLE_PORT")}
    if not given["ORACLE_IP"]:
        return False
    missing = [f"KERASTUNER_{name}" for name, value in given.items() if not value]
    if missing:
        raise InputError(
            "`KERASTUNER_TUNER_ID`, `KERASTUNER_ORACLE_IP` and `KERASTUNER_ORACLE_PORT` must all be set where several "
            f"processes search together. Received: no {' and no '.join(missing)}"
        )
    return "chief" not in str(given["TUNER_ID"])

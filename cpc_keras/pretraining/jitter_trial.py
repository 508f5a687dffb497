"""Which jitter suits the images: short trainings of one seed, compared by what a few labels make of the encoder."""

import contextlib
import dataclasses
import shutil
import time

import keras
import numpy as np
from rich.console import Console

from cpc_keras.config.fields import AUTO
from cpc_keras.config.jitter import JITTER, USUAL, ignored, with_jitter
from cpc_keras.describing.time_budget import TimeTooShortError
from cpc_keras.evaluation.features import EncoderFeatures, extract
from cpc_keras.evaluation.held_out_scores import held_out_scores, standard_error
from cpc_keras.evaluation.holdout import PROBES
from cpc_keras.evaluation.scores import balanced_mean
from cpc_keras.optimizers import averaged_weights
from cpc_keras.pretraining.online_probe import gauge_probe
from cpc_keras.progress import waiting
from cpc_keras.runs.folder import RunFolder

# What all trainings take of a run's `minutes`, or each of its steps where it has none. On pictograms, levels that end
# 2 points apart after 3,200 steps are alike after 400, and 1.5 points apart after 800.
_SHARE_OF_MINUTES, _SHARE_OF_STEPS = 1 / 3, 0.1
# Steps below which nothing can be told from a training.
_FEWEST = 100


@dataclasses.dataclass(frozen=True)
class JitterTrial:
    """What a trial found.

    Attributes:
        steps: Of each training.
        labels: Labels that accuracies are of.
        accuracies: Balanced accuracy by level, of labels that were held out.
        level: The one that is taken: the best, if it is ahead of the usual one by more
            than its standard error; else the usual one.
    """

    steps: int
    labels: int
    accuracies: dict
    level: str

    def __str__(self):
        found = ", ".join(f"{level} {100 * accuracy:.1f} %" for level, accuracy in self.accuracies.items())
        return (
            f"Jitter: {self.level}, by short trainings ({self.steps:,} steps) and the accuracy of a linear probe on "
            f"{self.labels:,} labels, held out in turn: {found}"
        )


def jitter_words(asked, recipe, trial=None, too_short=False):
    """What jitter a new run has, why, and what its encoder is taught to ignore: empty where its recipe names no level.

    Args:
        asked: The `Recipe` as it was given.
        recipe: The same, resolved.
        trial: The `JitterTrial` that chose it, if one did.
        too_short: Whether there was no time for one.
    """
    if asked.jitter is None:
        return ""
    chosen = str(trial or f"Jitter: {USUAL if asked.jitter == AUTO else asked.jitter}")
    if too_short:
        chosen += f"; a trial by labels takes a third of the time, which is too short for {_FEWEST} steps at each level"
    elif not trial and asked.jitter == AUTO:
        chosen += "; --labels FILE.csv, a few labelled images, has a short trial choose"
    taught = ignored(recipe)
    return f"{chosen}. The encoder is taught to ignore {taught}." if taught else f"{chosen}."


def try_jitter(run, fit, measure):
    """Trains a run's encoder shortly at each level of jitter, and compares them.

    Args:
        run: A `cpc_keras.pretraining.prepare.Run` that is not begun, with labelled
            images that decide.
        fit: `cpc_keras.pretraining.pretrain.fit`.
        measure: Function from a `Run` with `minutes` and a number of runs that share
            them to the `FittedSteps` of each.

    Returns:
        A `JitterTrial`; `None` where the time is too short for one.

    Raises:
        InputError: As `fit`.
        Stopped: As `fit`.
    """
    labelled, outcomes, fitted = run.deciding, {}, None
    splits = PROBES.splits(labelled.labels, run.recipe.seed)
    with _scratch(run) as place:
        for level in JITTER:
            short = _short(run, level, place / level)
            if short.recipe.minutes is not None and fitted is None:
                with waiting(run.console, "Measuring the speed, for a trial of three jitters"):
                    fitted = _measured(short, measure)
                if fitted is None:
                    return None
            with waiting(run.console, f"Trying jitter: {level}"):
                model = fit(short, fitted)
                outcomes[level] = _held_out(model, labelled, run.recipe.crop, splits)
            steps = int(model.optimizer.iterations) * run.recipe.accumulate
            keras.backend.clear_session()
    return compare(outcomes, labelled.labels, steps)


def _measured(run, measure):
    """The `FittedSteps` of each training; `None` where they would be too few."""
    try:
        fitted = measure(run, len(JITTER))
    except TimeTooShortError:
        return None
    keras.backend.clear_session()
    return fitted if fitted.steps >= _FEWEST else None


def compare(outcomes, labels, steps):
    """The level that labels speak for.

    Args:
        outcomes: Dictionary from level to `HeldOutScores`, of the same labels.
        labels: Integer array, of all labels.
        steps: Of each training.

    Returns:
        A `JitterTrial`.
    """
    truth = labels[outcomes[USUAL].positions]
    accuracies = {level: balanced_mean(outcome.hits, truth) for level, outcome in outcomes.items()}
    best = max(accuracies, key=lambda level: (accuracies[level], level == USUAL))
    ahead = outcomes[best].hits - outcomes[USUAL].hits
    certain = balanced_mean(ahead, truth) > standard_error(ahead, truth)
    return JitterTrial(steps, len(truth), accuracies, best if certain else USUAL)


def _held_out(model, images, crop, splits):
    """The `HeldOutScores` of a probe on an encoder."""
    with averaged_weights(model):
        features = extract(EncoderFeatures(model), images, crop)
    found = []
    for train, held_out in splits:
        rows = [{name: values[part] for name, values in features.items()} for part in (train, held_out)]
        probe = gauge_probe().fit(rows[0], images.labels[train], features)
        probabilities = np.zeros((len(held_out), images.labels.max() + 1))
        probabilities[:, probe.classes_] = probe.predict_proba(rows[1])
        found.append((held_out, probabilities))
    return held_out_scores(images.labels, found)


def _short(run, level, place):
    """The same run, short, at a level, in a folder of its own, and without a word."""
    now, recipe = time.monotonic(), with_jitter(run.recipe, level)
    if recipe.minutes is None:
        whole = recipe.accumulate
        length = {"steps": whole * max(1, round(max(_FEWEST, _SHARE_OF_STEPS * recipe.steps) / whole))}
    else:
        length = {"minutes": _SHARE_OF_MINUTES * recipe.minutes}
    recipe = dataclasses.replace(recipe, keep_checkpoints=1, keep_milestones=False, tracker=None, **length)
    quiet = Console(quiet=True)
    return dataclasses.replace(
        run, recipe=recipe, folder=RunFolder(place), labelled=None, deciding=None, console=quiet, began=now, opened=now
    )


@contextlib.contextmanager
def _scratch(run):
    """A folder inside a run's that is gone afterwards; what a trial left that was broken off goes first."""
    place = run.folder.path / "jitter"
    shutil.rmtree(place, ignore_errors=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)

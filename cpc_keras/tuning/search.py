"""Settings of classifiers and of pre-training, searched inside a few labels of a run."""

import contextlib
import re
import shlex
import warnings

import grpc
import keras_tuner
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from cpc_keras import plots
from cpc_keras.backend.determinism import enable_determinism
from cpc_keras.config.files import recipe_text
from cpc_keras.config.resolve import open_images
from cpc_keras.errors import InputError, Stopped
from cpc_keras.evaluation.methods import SEARCHED
from cpc_keras.evaluation.run_labels import announce, open_labelled
from cpc_keras.evaluation.settings import TunedSetting
from cpc_keras.plots.trials import varied
from cpc_keras.progress import ProgressBars
from cpc_keras.runs.checkpoints import load_last_model
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.atomic import write_text
from cpc_keras.storage.disk import writing
from cpc_keras.storage.owner import owned_folder
from cpc_keras.storage.plain_paths import plain_path
from cpc_keras.tables import Table
from cpc_keras.tuning.folder import best_first, chosen, refuse_another, search_words, settle, short
from cpc_keras.tuning.hypermodel import LabelFractionHyperModel
from cpc_keras.tuning.pretraining import PretrainingHyperModel
from cpc_keras.tuning.propagation import PropagationHyperModel
from cpc_keras.tuning.racing import BrokenOffError
from cpc_keras.tuning.tuners import TUNERS, epochs_for, is_worker, make_tuner, tuner_trials


def tune(run, console, budget, regime="linear", tuner="random", trials=30, seed=0, data=None, name=None):
    """Searches the setting of a classifier that learns from a few labels of a run.

    Every trial is scored by cross-validation inside the labelled subset, which is
    that of `evaluate`; no other label is looked at. The default setting is tried
    as well, and kept unless the best is ahead by more than a standard error; a trial
    that is behind it by as much after some folds is spared the others.
    Finished trials are kept in the run's `tuning/NAME`: broken off, the search
    goes on where it was. Started as keras-tuner's chief and workers (by
    `KERASTUNER_TUNER_ID`, `KERASTUNER_ORACLE_IP` and `KERASTUNER_ORACLE_PORT`),
    several processes share the trials, and the chief writes what came of them.

    Args:
        run: Path of the run's folder.
        console: A `rich.console.Console`.
        budget: A `Budget` of labels to search in.
        regime: One of `cpc_keras.evaluation.methods.SEARCHED`.
        tuner: One of `cpc_keras.tuning.tuners.TUNERS`.
        trials: Settings to try at most, beside the default.
        seed: Number of the label subset, of those that `evaluate` draws.
        data: Source with labels; the recipe's if `None`.
        name: Of the folder in `tuning`; made of regime, budget and seed if `None`.

    Returns:
        A `pandas.DataFrame` with a row a trial, the default first; `None` in a
        worker.

    Raises:
        InputError: If the run, the data or the budget cannot be used, or the folder
            holds a search of another kind.
    """
    _check("regime", regime, SEARCHED)
    folder, recipe = _opened(run, tuner)
    place = folder.tuning / _named(name, f"{regime}-{budget.name}-seed{seed}")
    asked = {"regime": regime, "data": data or recipe.data, **_numbers(budget, seed, tuner, trials)}
    refuse_another(place, asked)
    with _owned(place):
        images, split = _drawn(recipe, data, budget, seed, console)
        with ProgressBars(console) as progress:
            given = {
                "subset": split.train,
                "crop": recipe.crop,
                "folder": place,
                "features": folder.evaluation / "features",
                "seed": seed,
                "epochs": _epochs(tuner, trials),
                "progress": progress,
            }
            model = load_last_model(folder)[1]
            if regime == "propagated":
                hypermodel = PropagationHyperModel(model, images, class_shares=split.class_shares, **given)
            else:
                size = recipe.head_blocks, recipe.head_width, recipe.head_bottleneck
                hypermodel = LabelFractionHyperModel(
                    model, images, regime, head_size=size, flip=recipe.mirrored_alike, **given
                )
            finished = _search(place, hypermodel, {**asked, "labels": len(split.train)}, console)
        if finished is None:
            return None
        table, settings, best = _table(place, hypermodel, finished)
        for kind, trial, tried in (("tuned", best, len(table)), ("default", "default", 1)):
            setting = TunedSetting(
                regime=regime,
                kind=kind,
                subset=images.subset_digest(split.train),
                subset_seed=seed,
                trials=tried,
                labels_per_class=budget.labels_per_class,
                fraction=budget.fraction,
                **settings[trial],
            )
            write_text(place / f"{kind}.py", recipe_text(setting, _headline(table, trial)))
        _conclude(console, table, len(split.train))
        command = [
            "cpc-keras",
            "evaluate",
            str(folder.path),
            "--settings",
            str(place),
            *(("--data", data) if data else ()),
        ]
        console.print(f"Setting: {place / 'tuned.py'}")
        console.print(f"To test it: {shlex.join(command)}")
        return table


def tune_pretraining(run, console, budget, steps=500, tuner="random", trials=30, seed=0, data=None, name=None):
    """Searches settings of pre-training, each for a few steps, by what a few labels make of the encoder.

    Args:
        run: Path of the folder of a run, whose recipe is the default.
        console: A `rich.console.Console`.
        budget: A `Budget` of labels to search in.
        steps: Steps of a trial.
        tuner: One of `cpc_keras.tuning.tuners.TUNERS`.
        trials: Settings to try at most, beside the default.
        seed: Number of the label subset, of those that `evaluate` draws.
        data: Source with labels; the recipe's if `None`.
        name: Of the folder in `tuning`; made of regime, budget and seed if `None`.

    Returns:
        As `tune`; the best setting goes to `recipe.py`, for `pretrain`.

    Raises:
        InputError: As `tune`.
    """
    folder, recipe = _opened(run, tuner)
    place = folder.tuning / _named(name, f"pretraining-{budget.name}-seed{seed}")
    asked = {"steps": steps, "data": data or recipe.data, **_numbers(budget, seed, tuner, trials)}
    refuse_another(place, asked)
    with _owned(place):
        images, split = _drawn(recipe, data, budget, seed, console)
        unlabelled = open_images(recipe)
        with ProgressBars(console) as progress:
            hypermodel = PretrainingHyperModel(
                recipe,
                unlabelled,
                images.train.subset(split.train),
                images.train.subset(split.unlabelled),
                steps,
                place,
                seed,
                _epochs(tuner, trials),
                progress,
            )
            finished = _search(place, hypermodel, {**asked, "labels": len(split.train)}, console)
        if finished is None:
            return None
        table, settings, best = _table(place, hypermodel, finished)
        text = recipe_text(hypermodel.asked(settings[best]), _headline(table, best))
        file = place / "recipe.py"
        write_text(file, text)
        _conclude(console, table, len(split.train))
        console.print(f"Recipe: {file}")
        console.print(f"To train it whole: {shlex.join(['cpc-keras', 'pretrain', str(file)])}")
        return table


def _opened(run, tuner):
    """`(folder, recipe)` of a run."""
    _check("tuner", tuner, TUNERS)
    enable_determinism()
    folder = RunFolder(run)
    return folder, folder.open()


def _owned(place):
    """A context in which this process alone searches there; workers go by their chief."""
    return contextlib.nullcontext() if is_worker() else owned_folder(place, "--name")


def _drawn(recipe, data, budget, seed, console):
    """`(images, split)`: the labelled images, and the subset of them to search in."""
    images = open_labelled(recipe, data)
    announce(console, images)
    (split,) = images.splits([budget], seed)[budget]
    if seed and len(split.train) == len(images.train):
        raise InputError(f"`--seed` must be 0 where every label is taken. Received: --seed {seed} with {budget}")
    return images, split


def _named(name, usual):
    if name is not None and not re.fullmatch(r"[\w.-]{0,99}\w", name):
        raise InputError(f"`--name` must be letters, digits, dots and dashes, at most 100. Received: {name}")
    return name or usual


def _numbers(budget, seed, tuner, trials):
    return {"budget": str(budget), "subset": seed, "tuner": tuner, "trials": trials}


def _check(argument, value, known):
    if value not in known:
        raise InputError(f"`--{argument}` must be one of {', '.join(known)}. Received: {value}")


def _epochs(tuner, trials):
    return epochs_for(trials) if tuner == "hyperband" else 1


def _search(place, hypermodel, asked, console):
    """Hyperparameters by the name of their trial, the default's first; `None` in a worker."""
    asked = {**asked, "digest": hypermodel.digest}
    worker = is_worker()
    if worker:
        refuse_another(place, asked)
    else:
        settle(place, asked)
    tuner, trials = asked["tuner"], asked["trials"]
    count = tuner_trials(tuner, hypermodel, trials)
    console.print(f"{search_words(asked)}: {tuner}, {count} trial{'s' if count > 1 else ''} beside the default.")
    hypermodel.progress.start("trials", count + 1)
    default = keras_tuner.HyperParameters()
    place.mkdir(parents=True, exist_ok=True)
    with writing(place / "keras_tuner"):
        try:
            with plain_path(place) as plain, warnings.catch_warnings():
                search = make_tuner(tuner, hypermodel, trials, asked["subset"], plain)
                # The Gaussian process of a Bayesian search is told of few trials at first.
                warnings.simplefilter("ignore", ConvergenceWarning)
                search.search(verbose=0)
            if not worker:
                hypermodel.fit(default, hypermodel.build(default))
        except BrokenOffError as error:
            raise error.__cause__ from None
        except grpc.RpcError as error:
            raise Stopped(
                f"The chief is gone, or cannot be reached ({error.code().name}). Start it and the workers again."
            ) from error
    if worker:
        console.print(f"This worker ran {hypermodel.computed} trials.")
        return None
    tried = sorted(search.oracle.trials.items())
    failed = [one for _, one in tried if one.status != "COMPLETED"]
    if failed:
        reason = (failed[0].message or "no reason given").strip().splitlines()[-1]
        console.print(f"Failed: {len(failed)} of {len(tried)} trials, the first with: {reason}")
    return {"default": default, **{f"trial {key}": one.hyperparameters for key, one in tried if one not in failed}}


def _table(place, hypermodel, finished):
    """`(table, settings, chosen)`: rows and settings of the trials, and the name of the one to be left with."""
    settings = {name: hypermodel.setting(hp) for name, hp in finished.items()}
    rows = []
    for name, hp in finished.items():
        rows.append({"trial": name, **hypermodel.figures(hp), **settings[name]})
    table = pd.DataFrame(rows)
    plots.trials(table, place / "trials.png")
    write_text(place / "trials.csv", table.to_csv(index=False))  # last: it says that the search is done
    return table, settings, chosen(table)["trial"]


def _headline(table, name):
    accuracy = 100 * table[table["trial"] == name]["balanced_accuracy"].iloc[0]
    return f"Of {len(table)} settings, {name}: {accuracy:.1f} % balanced accuracy, cross-validated inside its labels."


def _conclude(console, table, labels):
    console.print(_best_trials(table).rich())
    console.print(f"Labels spent: {labels:,}. Settings tried: {len(table)}, each inside these labels.")
    kept = chosen(table)["trial"]
    console.print(
        "Kept: the default; the best of the others is not ahead of it by more than a standard error."
        if kept == "default"
        else f"Kept: {kept}."
    )


def _best_trials(table):
    """The default and the best trials, as a `Table` with a column a trial."""
    best = best_first(table).head(5)
    columns = pd.concat([table.head(1), best[best["trial"] != "default"]])
    names = [name.removeprefix("trial ") for name in columns["trial"]]
    shown = Table(["trial", *names], "Cross-validated inside the labels")
    shown.add("score", *(f"{score:.3f}" for score in columns["score"]))
    shown.add("accuracy, %", *(f"{100 * accuracy:.1f}" for accuracy in columns["balanced_accuracy"]))
    shown.add("lead", *(f"{lead:+.3f}" for lead in columns["lead"]))
    shown.add("its error", *(f"{error:.3f}" for error in columns["error"]))
    for axis in varied(table):
        shown.add(axis.replace("_", " "), *map(short, columns[axis]))
    return shown

"""The ablation of the paper's Figure 3: each axis added to all before it."""

import dataclasses
import itertools
import json
import pathlib

import keras
import pandas as pd

from cpc_keras.config.ablation_axes import AXIS_NAMES, effective_axes
from cpc_keras.config.recipe import AXES, check_axes
from cpc_keras.config.resolve import open_images, resolve
from cpc_keras.describing.time_budget import FittedSteps
from cpc_keras.errors import InputError
from cpc_keras.evaluation.evaluate import evaluate
from cpc_keras.evaluation.run_labels import open_labelled, recipe_budgets, run_records
from cpc_keras.evaluation.table import percent
from cpc_keras.plots import ablation_bars
from cpc_keras.pretraining.pretrain import fitted_steps, pretrain
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.atomic import write_text
from cpc_keras.storage.owner import owned_folder
from cpc_keras.tables import Table, as_markdown

# Points below which a change says nothing: what another seed of pre-training may move.
_TELLING = 1.0
_CAUTION = (
    f"A verdict needs a mean change of {_TELLING:g} point or more, of one sign at every number of labels in every "
    "label subset; each step is one pre-training, so small changes may be luck."
)


def ablate(recipe, run, console, axes=AXES, labelled=None):
    """Trains a recipe from all axes off to all on, one more at a time, trained equally long.

    Every step is a run of its own below `run`, trained with the same seed and
    number of optimizer steps, and evaluated by a linear probe on the same label
    subsets. Run again, it goes on where it stopped. A recipe's `minutes` are for
    the training of all runs: the speed of the full recipe is measured, once. An
    axis that changes nothing (colour dropping on grey images, say) gets a row that
    says so and no training.

    Args:
        recipe: A `Recipe` with every axis on.
        run: Folder for the runs, `ablation.csv`, `ablation.md` and `ablation.png`.
        console: A `rich.console.Console`.
        axes: The axes to add, in this order; others stay on.
        labelled: Source with labels for the probes; the recipe's if `None`.

    Returns:
        A `pandas.DataFrame` with a row for each step, number of labels and label
        seed: `step`, `axis` (empty at the base), `labels`, `labels_per_class`, `seed`, `top1`.

    Raises:
        InputError: If the recipe does not fit the images or the folder, there are
            no labels, batch norm would be evaluated with averaged weights, or another
            process is at work in the folder.

    Reference:
        Hénaff et al. 2019, arXiv 1905.09272, Figure 3.
    """
    run = pathlib.Path(run)
    check_axes(axes)
    if recipe.without:
        raise InputError(f"`without` must be empty: `ablate` sets it. Received: without={recipe.without}")
    images = open_images(recipe)
    resolve(dataclasses.replace(recipe, without=axes), images)  # refuses before anything is written
    resolved = resolve(recipe, images)
    effective = list(effective_axes(resolved, axes))
    if "LN" in effective and recipe.average_decay is not None:
        raise InputError(
            "`average_decay` must be None where 'LN' is switched off: batch norm's statistics are not averaged. "
            f"Received: average_decay={recipe.average_decay}"
        )
    open_labelled(resolved, labelled).splits(recipe_budgets(recipe), 0)
    with owned_folder(run, "--run"):
        steps = [("base", None, effective)]
        steps += [(f"+ {axis}", axis, effective[index + 1 :]) for index, axis in enumerate(effective)]
        folders = [run / f"{index}-{axis or 'base'}" for index, (_, axis, _) in enumerate(steps)]
        recipe = dataclasses.replace(recipe, learning_curve=())  # which is not that of its steps
        fitted = _fitted(recipe, folders, console) if resolved.minutes is not None else None
        if fitted is None:  # no time was given, or none to the runs that are there
            recipe = dataclasses.replace(recipe, minutes=None)
        results = []
        for index, (folder, (name, axis, off)) in enumerate(zip(folders, steps, strict=True)):
            console.print(
                f"Ablation step {index + 1} of {len(steps)}: {name}{f' ({AXIS_NAMES[axis]})' if axis else ''}."
            )
            _train_and_evaluate(dataclasses.replace(recipe, without=tuple(off)), folder, labelled, console, fitted)
            for record in _linear_records(folder):
                kept = {key: record[key] for key in ("labels", "labels_per_class", "seed", "top1")}
                results.append({"step": name, "axis": axis or "", **kept})
        table = pd.DataFrame(results)
        skipped = [axis for axis in axes if axis not in effective]
        write_text(run / "ablation.csv", table.to_csv(index=False))
        ablation_bars(table, run / "ablation.png")
        shown, verdicts = _table(table, skipped), summary(table, skipped)
        write_text(run / "ablation.md", _page(recipe, shown, verdicts))
        console.print(shown.rich())
        console.print(f"{verdicts}\nTable and chart: {run / 'ablation.md'}, {run / 'ablation.png'}")
        return table


def _fitted(recipe, folders, console):
    """How long a run of the ablation is: as one that is there was given it, or as fit into the recipe's time."""
    for folder in map(RunFolder, folders):
        if folder.recipe_file.is_file():
            return FittedSteps.kept(folder.fitted())
    return fitted_steps(recipe, folders[0].parent, console, len(folders))


def _train_and_evaluate(recipe, folder, labelled, console, fitted):
    """Makes one run of the ablation, unless that is done."""
    pretrain(recipe, folder, console, fitted=fitted)
    if len(_linear_records(folder)) != len(recipe_budgets(recipe)) * recipe.label_seeds:
        evaluate(folder, console, data=labelled, methods=("linear",), baselines=())
    keras.backend.clear_session()


def _linear_records(folder):
    """The records of a run's linear probe at the recipe's budgets; a user may have evaluated more."""
    recipe = RunFolder(folder).open()
    return [
        record
        for record in run_records(RunFolder(folder))
        if (record["method"], record["encoder"]) == ("linear", "cpc")
        and (record["labels_per_class"] in recipe.labels_per_class or record["fraction"] in recipe.fractions)
        and record["checkpoint"] == recipe.steps
        and record["seed"] < recipe.label_seeds
    ]


def changes(table):
    """What each axis changed: accuracy at its step less that of the step before.

    Args:
        table: As returned by `ablate`.

    Returns:
        A dictionary from axis to a float array `[budgets, seeds]` of points, paired
        by label subset.

    Example:

    >>> rows = [("base", "", 0.50), ("+ MC", "MC", 0.52)]
    >>> table = pd.DataFrame(
    ...     [{"step": r, "axis": a, "labels": 50, "seed": s, "top1": t} for r, a, t in rows for s in (0, 1)]
    ... )
    >>> {axis: points.round(1).tolist() for axis, points in changes(table).items()}
    {'MC': [[2.0, 2.0]]}
    """
    steps = list(dict.fromkeys(table["step"]))
    grids = {
        step: 100 * table[table["step"] == step].pivot(index="labels", columns="seed", values="top1").to_numpy()
        for step in steps
    }
    axis_of = dict(zip(table["step"], table["axis"], strict=True))
    return {axis_of[step]: grids[step] - grids[before] for before, step in itertools.pairwise(steps)}


def verdict(points):
    """`"helped"` or `"hurt"` if every paired change has that sign and their mean is a point or more, else `"unclear"`.

    Example:

    >>> import numpy as np
    >>> verdict(np.array([[1.2, 0.9], [2.0, 0.1]])), verdict(np.array([[0.2, 0.1], [0.3, 0.4]]))
    ('helped', 'unclear')
    """
    if abs(points.mean()) < _TELLING:
        return "unclear"
    return "helped" if (points > 0).all() else "hurt" if (points < 0).all() else "unclear"


def summary(table, skipped):
    """Which axes helped, which hurt and which it cannot tell, in a few sentences.

    Args:
        table: As returned by `ablate`.
        skipped: Axes that change nothing in this recipe.
    """
    verdicts = {axis: verdict(points) for axis, points in changes(table).items()}
    sentences = []
    for word, opening in (("helped", "Helped here"), ("hurt", "Hurt here"), ("unclear", "No clear change")):
        named = [f"{axis} ({AXIS_NAMES[axis]})" for axis, said in verdicts.items() if said == word]
        sentences.append(f"{opening}: {', '.join(named) or 'none'}.")
    if skipped:
        sentences.append(f"Without effect on this recipe, not trained: {', '.join(skipped)}.")
    return " ".join([*sentences, _CAUTION])


def _table(table, skipped):
    """The table as it is shown and written."""
    budgets = table[["labels", "labels_per_class"]].drop_duplicates().sort_values("labels").to_numpy()
    header = ["step"]
    for labels, per_class in budgets:
        header += [f"{per_class:g} a class" if per_class == per_class and per_class else f"{labels:g} labels", "change"]
    title = "Test accuracy of a linear probe, %: mean over label seeds (lowest–highest)"
    shown = Table([*header, "verdict"], title, left=(0, len(header)))
    points = changes(table)
    for step, group in table.groupby("step", sort=False):
        axis = group["axis"].iloc[0]
        cells = [f"{step} {AXIS_NAMES[axis]}" if axis else "all axes off"]
        for place, (labels, _) in enumerate(budgets):
            top1 = group[group["labels"] == labels]["top1"]
            cells += [
                percent(top1.mean(), top1.min(), top1.max()),
                f"{points[axis][place].mean():+.1f}" if axis else "",
            ]
        shown.add(*cells, verdict(points[axis]) if axis else "")
    for axis in skipped:
        shown.add(f"+ {axis} {AXIS_NAMES[axis]}", *["–"] * (len(header) - 1), "no effect")
    return shown


def _page(recipe, shown, verdicts):
    lines = [
        "# Ablation",
        "",
        f"{as_markdown(recipe.data)}, equal steps of training, seed {recipe.seed}.",
        "Each row adds an axis to all above it.",
        "",
        shown.markdown(),
        "",
        verdicts,
        "",
        "![accuracy by step](ablation.png)",
        "",
        "Settings of each step: `recipe.json` in its folder. Recipe with every axis on:",
        "",
        "```json",
        json.dumps(dataclasses.asdict(recipe)),
        "```",
    ]
    return "\n".join(lines) + "\n"

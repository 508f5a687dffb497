"""What a longer run would bring, where time cut one short."""

import math

import numpy as np

from cpc_keras.describing.time_budget import FittedSteps, minutes_text


def longer_run(recipe, fitted, in_full=False):
    """What the full run would bring, in a sentence; nothing where time did not cut the run short.

    Accuracies come from the recipe's `learning_curve`, between whose rows they are
    taken to rise with the logarithm of the steps.

    Args:
        recipe: The `Recipe` of the run.
        fitted: The fields of its `FittedSteps` as a dictionary, or `None`.
        in_full: Whether it should be said in a report.

    Example:

    >>> from cpc_keras.config.recipe import Recipe
    >>> fitted = {"minutes": 8, "steps": 1200, "full_steps": 4500, "seconds_a_step": 0.4, "seconds": 480.0}
    >>> curve = ((600, 0.682, 0.721), (2400, 0.72, 0.759), (4500, 0.725, 0.763))
    >>> print(longer_run(Recipe(steps=1200, learning_curve=curve), fitted | {"checkpoint_every": 250}))
    The full 4,500 steps take about 30 min here (--set minutes=None, with another --run) and reach 72.5 / 76.3 % with
    5 / 10 labels a class where 1,200 reach 70.1 / 74.0, by the recipe's learning curve.
    """
    run = FittedSteps.kept(fitted)
    if run is None or not run.is_short or run.runs > 1:
        return ""
    said = f"This run took {run.steps:,} of the recipe's {run.full_steps:,} steps to fit {minutes_text(run.minutes)}. "
    said = f"{said if in_full else ''}The full {run.full_steps:,} steps take about {run.full_time} here "
    said += "(--set minutes=None, with another --run)"
    if not recipe.learning_curve:
        return f"{said}."
    labels = " / ".join(f"{number:g}" for number in recipe.labels_per_class)
    below = "stay below" if run.steps < recipe.learning_curve[0][0] else "reach"
    return (
        f"{said} and reach {_accuracies(recipe, run.full_steps)} % with {labels} labels a class where {run.steps:,} "
        f"{below} {_accuracies(recipe, run.steps)}, by the recipe's learning curve."
    )


def _accuracies(recipe, steps):
    """Accuracies of a run of so many steps, in %; beyond the curve those of its end."""
    at, *columns = zip(*recipe.learning_curve, strict=True)
    found = [np.interp(math.log(steps), np.log(at), accuracies) for accuracies in columns]
    return " / ".join(f"{100 * accuracy:.1f}" for accuracy in found)

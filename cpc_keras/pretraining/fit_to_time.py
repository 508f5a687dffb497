"""The speed of a run, measured before its first step, and the number of steps that follows from it."""

import time

from cpc_keras.data.python_calls import calls_awaited
from cpc_keras.describing.speed import time_steps, unchanged
from cpc_keras.describing.time_budget import fit_steps, measuring_seconds
from cpc_keras.errors import Stopped
from cpc_keras.pretraining.interrupts import Interrupts
from cpc_keras.progress import duration, waiting

# Share of a budget that the opening of images may take. What they take longer, a download, is not of it.
_OPENING = 0.25


def fit_to_time(recipe, model, batches, save_row, began, opened, console, strategy, runs=1):
    """Measures a new model and has it trained for as many steps as fit into the recipe's `minutes`.

    The steps by which it is measured leave nothing behind but the traced step, so
    that the run is what it would be had its number of steps been given.

    Args:
        recipe: A resolved `Recipe` with `minutes`.
        model: A new `CPC` model, as `cpc_keras.config.build.build_cpc` gives it.
        batches: What its `fit` takes, without end.
        save_row: Function without arguments that does what a row of the log and its
            checkpoint take, and gives the seconds.
        began: When the time began, as `time.monotonic` has it.
        opened: When the images were open.
        console: A `rich.console.Console`.
        strategy: The `tf.distribute.Strategy`.
        runs: How many runs like this one share the time.

    Returns:
        A `cpc_keras.describing.time_budget.FittedSteps`.

    Raises:
        InputError: If not even one step fits.
        Stopped: If the process is told to end.
    """
    budget, opening = 60 * recipe.minutes, opened - began
    if opening > _OPENING * budget:
        console.print(f"Opening the images took {duration(opening)}, of which {duration(_OPENING * budget)} count.")
        began += opening - _OPENING * budget
        opening = _OPENING * budget
    interrupts = Interrupts()
    with waiting(console, "Tracing the first step, then measuring the speed"), unchanged(model, strategy):
        with interrupts, calls_awaited():
            times = time_steps(model, batches, measuring_seconds(recipe.minutes), interrupts)
        if interrupts.terminated:
            raise Stopped("told to end before the first step; the same command begins anew")
        row = save_row()
    left = budget - (time.monotonic() - began)
    if runs > 1:  # each opens the images and traces its first step
        left = left / runs - opening - times.first
    fitted = fit_steps(recipe, left, times.typical, row, runs)
    model.optimizer.learning_rate_schedule.set_steps(fitted.steps)
    console.print(fitted.words(recipe.batch_size))
    return fitted

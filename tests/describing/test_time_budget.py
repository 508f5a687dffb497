import re

import numpy as np
import pytest

from cpc_keras.config.recipe import Recipe
from cpc_keras.describing.learning_curve import longer_run
from cpc_keras.describing.time_budget import FittedSteps, fit_steps
from cpc_keras.errors import InputError

CURVE = ((100, 0.5, 0.6), (1000, 0.6, 0.7), (4500, 0.7, 0.8))


@pytest.mark.parametrize(
    ("fields", "left", "step", "row", "steps", "every"),
    [
        # Three hundredths are kept in reserve, and three digits count.
        ({"steps": 4500}, 450, 0.4, 0.0, 1090, 250),  # 1,091.25
        ({}, 450, 0.4, 0.0, 1090, 250),
        ({"steps": 1000}, 450, 0.4, 0.0, 1000, 250),  # all of them
        ({"steps": 300}, 450, 0.4, 0.0, 300, 250),  # as the recipe has it, however few rows that makes
        ({"steps": 4500}, 1000, 0.4, 25.0, 1890, 250),  # (970 - 25) / (0.4 + 25 / 250)
        # Fewer than four rows: more often, and five times a checkpoint.
        ({"steps": 4500}, 100, 0.4, 1.0, 230, 58),  # (97 - 5) / 0.4
        ({"steps": 4500}, 2, 1.0, 0.0, 1, 1),
        ({"steps": 4500, "accumulate": 4}, 450, 0.4, 0.0, 1088, 250),
        ({"accumulate": 4}, 4.2, 1.0, 0.0, 4, 1),
    ],
)
def test_steps_that_fit(fields, left, step, row, steps, every):
    recipe = Recipe(minutes=8, checkpoint_every=250, **fields)
    fitted = fit_steps(recipe, left, step, row)
    assert (fitted.steps, fitted.checkpoint_every) == (steps, every)
    assert fitted.seconds == pytest.approx(steps * step + -(-steps // every) * row)
    assert fitted.seconds <= left
    run = fitted.of(recipe)
    assert (run.steps, run.minutes, run.checkpoint_every) == (steps, None, every)


@pytest.mark.parametrize(("left", "accumulate"), [(-3.0, 1), (0.9, 1), (3.9, 4)])
def test_time_for_no_step(left, accumulate):
    with pytest.raises(InputError, match=r"`minutes` must leave time for a step of 1 s .*minutes=0.1, of which"):
        fit_steps(Recipe(minutes=0.1, accumulate=accumulate), left, 1.0)


@pytest.mark.parametrize(("left", "row"), [(-20.0, 1.2), (0.5, 0.0), (-200.0, 30.0)])
def test_the_minutes_that_are_advised_suffice(left, row):
    with pytest.raises(InputError, match=r"try minutes=\d+, or a number of steps") as refusal:
        fit_steps(Recipe(minutes=1, accumulate=2), left, 0.8, row)
    advised = int(re.search(r"try minutes=(\d+)", str(refusal.value))[1])
    assert 1 <= fit_steps(Recipe(minutes=advised, accumulate=2), left + 60 * (advised - 1), 0.8, row).steps < 80


@pytest.mark.parametrize("left", np.geomspace(50, 50_000, 7))
def test_nearly_all_of_the_time_is_used(left):
    fitted = fit_steps(Recipe(minutes=8), left, 0.0123, 0.5)
    assert 0.9 * left < fitted.seconds <= left


def test_what_is_said():
    assert FittedSteps(8, 1, None, 20.0, 30.0, 1).words(16) == "0.8 images/s: 1 step in 8 minutes."
    assert FittedSteps(1, 500, 500, 0.1, 50.0, 250).words(16) == "160 images/s: all 500 steps fit into 1 minute."
    assert FittedSteps(30, 500, 1500, 0.4, 210.0, 250, runs=8).words(16) == (
        "40 images/s: 500 steps for each of 8 runs in 30 minutes "
        "(asked for 1,500; --set minutes=None for the full run, about 1 h 24 min)."
    )


def test_what_a_longer_run_would_bring():
    fitted = {"minutes": 8, "steps": 1000, "full_steps": 4500, "seconds_a_step": 0.4, "seconds": 420.0}
    fitted |= {"checkpoint_every": 250, "runs": 1}
    assert longer_run(Recipe(steps=1000, learning_curve=CURVE), fitted, in_full=True) == (
        "This run took 1,000 of the recipe's 4,500 steps to fit 8 minutes. The full 4,500 steps take about 32 min here "
        "(--set minutes=None, with another --run) and reach 70.0 / 80.0 % with 5 / 10 labels a class where 1,000 reach "
        "60.0 / 70.0, by the recipe's learning curve."
    )
    between = longer_run(Recipe(steps=1, learning_curve=CURVE), fitted | {"steps": round(1000 / 10**0.5)})
    assert "where 316 reach 55.0 / 65.0," in between
    early = longer_run(Recipe(steps=1, learning_curve=CURVE), fitted | {"steps": 50})
    assert "where 50 stay below 50.0 / 60.0," in early
    assert longer_run(Recipe(steps=1000), fitted) == (
        "The full 4,500 steps take about 32 min here (--set minutes=None, with another --run)."
    )


@pytest.mark.parametrize("fields", [{"full_steps": 1000}, {"full_steps": None}, {"full_steps": 4500, "runs": 8}])
def test_nothing_of_a_run_that_was_not_cut_short(fields):
    fitted = {"minutes": 8, "steps": 1000, "seconds_a_step": 0.4, "seconds": 420.0, "checkpoint_every": 250, **fields}
    assert longer_run(Recipe(steps=1000), fitted) == ""
    assert longer_run(Recipe(steps=1000), None) == ""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from cpc_keras.config.recipe import Recipe
from cpc_keras.describing.time_budget import FittedSteps
from cpc_keras.errors import InputError
from cpc_keras.pretraining import ablation
from cpc_keras.pretraining.ablation import _page, _table, ablate, changes, summary, verdict
from cpc_keras.runs.folder import RunFolder


@pytest.fixture
def table():
    """Three steps, two budgets, three seeds."""
    rows = []
    for step, axis, gain in (("base", "", 0.0), ("+ MC", "MC", 0.02), ("+ LN", "LN", 0.0)):
        for labels in (50, 100):
            for seed in (0, 1, 2):
                drift = 0.01 * (seed - 1) if axis == "LN" else 0.0
                total = 0.5 + labels / 1000 + gain + drift + (0.02 if axis == "LN" else 0.0)
                rows.append(
                    {
                        "step": step,
                        "axis": axis,
                        "labels": labels,
                        "labels_per_class": labels / 10,
                        "seed": seed,
                        "top1": total,
                    }
                )
    return pd.DataFrame(rows)


def test_changes_are_paired_by_label_subset(table):
    found = changes(table)
    np.testing.assert_allclose(found["MC"], np.full((2, 3), 2.0))
    np.testing.assert_allclose(found["LN"], [[-1.0, 0.0, 1.0]] * 2, atol=1e-9)


def test_verdict_needs_one_sign_everywhere():
    assert verdict(np.array([[1.0, 0.2], [0.1, 3.0]])) == "helped"
    assert verdict(np.array([[-3.0, -0.2]])) == "hurt"
    assert verdict(np.array([[5.0, -0.1]])) == "unclear"
    assert verdict(np.array([[0.0, 4.1]])) == "unclear"
    assert verdict(np.array([[0.1, 0.1]])) == "unclear"  # alike, and too little


def test_summary_names_every_axis_once(table):
    text = summary(table, ["RC"])
    assert "Helped here: MC (model capacity). Hurt here: none. No clear change: LN (layer norm)." in text
    assert "not trained: RC." in text


def test_changes_stand_beside_their_own_number_of_labels(table):
    """Whatever the order in which the budgets came."""
    table.loc[(table["axis"] == "MC") & (table["labels"] == 100), "top1"] += 0.03
    backwards = pd.concat([table[table["labels"] == 100], table[table["labels"] == 50]])
    page = _page(Recipe(steps=1), _table(backwards, ["RC"]), summary(backwards, ["RC"]))
    assert "| step | 5 a class | change | 10 a class | change | verdict |" in page
    assert "| + MC model capacity | 57.0 (57.0–57.0) | +2.0 | 65.0 (65.0–65.0) | +5.0 | helped |" in page
    assert "| + RC colour dropping | – | – | – | – | no effect |" in page


def test_steps_share_the_minutes_and_keep_their_steps(tmp_path, monkeypatch):
    """Measured once, for as many runs as there are steps; an ablation that is there goes on as it began."""
    fitted = FittedSteps(30, 500, 1500, 0.4, 210.0, 250, runs=3)
    asked_for = []
    monkeypatch.setattr(ablation, "fitted_steps", lambda *args: asked_for.append(args) or fitted)
    recipe, folders = Recipe(steps=1500, minutes=30), [tmp_path / name for name in ("0-base", "1-MC", "2-BU")]
    assert ablation._fitted(recipe, folders, None) is fitted
    assert asked_for == [(recipe, tmp_path, None, 3)]

    RunFolder(folders[0]).begin(recipe, fitted.of(recipe), fitted=dataclasses.asdict(fitted))
    assert ablation._fitted(recipe, folders, None) == fitted
    assert len(asked_for) == 1
    assert RunFolder(folders[0]).open().steps == 500


def test_refuses_averages_where_batch_norm_would_be_evaluated(tmp_path, photo_classes):
    recipe = Recipe(steps=2, data=f"classes:{photo_classes}", crop=28, average_decay=0.9, precision="float32")
    with pytest.raises(InputError, match="`average_decay` must be None where 'LN' is switched off"):
        ablate(recipe, tmp_path / "run", None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"labels_per_class": ()}, "`labels_per_class` or `fractions` must name a label budget"),
        ({"labels_per_class": (2, 2)}, "Label budgets must differ"),
        ({"labels_per_class": (100,)}, "`labels_per_class` must"),
    ],
)
def test_refuses_budgets_before_anything_is_trained(fields, message, tmp_path, photo_classes):
    recipe = Recipe(steps=2, data=f"classes:{photo_classes}", crop=28, precision="float32", **fields)
    with pytest.raises(InputError, match=message):
        ablate(recipe, tmp_path / "run", None)
    assert not (tmp_path / "run").exists()


def test_refuses_images_without_labels_before_anything_is_trained(tmp_path, photo_folder):
    recipe = Recipe(steps=2, data=f"dir:{photo_folder}", crop=28, precision="float32")
    with pytest.raises(InputError, match="`data` must have labels to evaluate with"):
        ablate(recipe, tmp_path / "run", None)


@pytest.mark.parametrize("axes", [(), ("MC", "MC"), ("MC", "XX")])
def test_refuses_unknown_axes(axes, tmp_path):
    with pytest.raises(InputError, match="`--axes` must be distinct names out of MC,BU,LN,RC,HP,LP,PA"):
        ablate(Recipe(steps=1), tmp_path / "run", None, axes)
    assert not (tmp_path / "run").exists()


def test_refuses_a_recipe_that_is_switched_already(tmp_path):
    with pytest.raises(InputError, match="`without` must be empty: `ablate` sets it"):
        ablate(Recipe(steps=1, without=("MC",)), tmp_path / "run", None)

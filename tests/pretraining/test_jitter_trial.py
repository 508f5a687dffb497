import io
import json

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from cpc_keras.config.jitter import JITTER
from cpc_keras.config.recipe import Recipe
from cpc_keras.errors import InputError
from cpc_keras.evaluation.held_out_scores import HeldOutScores
from cpc_keras.pretraining import fit_to_time, jitter_trial
from cpc_keras.pretraining.jitter_trial import compare
from cpc_keras.pretraining.prepare import prepare
from cpc_keras.pretraining.pretrain import pretrain
from cpc_keras.runs.checkpoints import load_model
from cpc_keras.runs.folder import RunFolder
from tests.pretraining.test_pretrain import TINY


def outcome(hits):
    return HeldOutScores(np.arange(len(hits)), np.array(hits, float), np.zeros(len(hits)))


@pytest.mark.parametrize(
    ("none", "weak", "strong", "level"),
    [
        (10, 10, 10, "weak"),
        (17, 10, 12, "none"),
        (10, 12, 19, "strong"),
        (10, 12, 13, "weak"),  # ahead by one label, which is chance
        (19, 20, 18, "weak"),
    ],
)
def test_another_level_is_taken_where_it_is_surely_better(none, weak, strong, level):
    labels = np.arange(20) % 2
    hits = {"none": none, "weak": weak, "strong": strong}
    trial = compare({name: outcome([1] * n + [0] * (20 - n)) for name, n in hits.items()}, labels, steps=50)
    assert trial.level == level
    assert f"weak {100 * weak / 20:.1f} %" in str(trial)


@pytest.fixture
def bright_and_dark(photographs, tmp_path):
    """Twenty-four pieces of one photograph, half of them darkened, and a file that says which."""
    rng = np.random.default_rng(0)
    lines = ["path,label"]
    (tmp_path / "images").mkdir()
    for index in range(24):
        top, left = rng.integers(0, 300), rng.integers(0, 500)
        piece = photographs[1][top : top + 64, left : left + 64] // (1 + index % 2)
        Image.fromarray(piece).save(tmp_path / "images" / f"{index}.png")
        lines.append(f"images/{index}.png,{('bright', 'dark')[index % 2]}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return tmp_path


def test_labels_choose_the_jitter_and_the_run_is_as_if_it_had_been_named(bright_and_dark, monkeypatch):
    monkeypatch.setattr(jitter_trial, "_FEWEST", 1)
    fields = {**TINY, "steps": 40, "checkpoint_every": 40, "data": f"dir:{bright_and_dark / 'images'}"}
    asked = Recipe(jitter="auto", labelled=f"csv:{bright_and_dark / 'labels.csv'}", **fields)
    console = Console(file=io.StringIO(), width=400)
    run = RunFolder(bright_and_dark / "run")
    chosen = pretrain(asked, run.path, console)
    said, content = console.file.getvalue(), json.loads(run.recipe_file.read_text())
    trial = content["jitter_trial"]
    assert set(trial["accuracies"]) == set(JITTER) and trial["labels"] == 24 and trial["steps"] == 4
    assert {name: content["recipe"][name] for name in JITTER["weak"]} == JITTER[trial["level"]]
    assert f"Jitter: {trial['level']}, by short trainings (4 steps)" in said
    assert not (run.path / "jitter").exists()

    named = pretrain(Recipe(jitter=trial["level"], **fields), bright_and_dark / "named", Console(quiet=True))
    for one, other in zip(chosen.weights, named.weights, strict=True):
        np.testing.assert_array_equal(one, other)

    console = Console(file=io.StringIO(), width=400)
    pretrain(asked, run.path, console)
    assert "Jitter" not in console.file.getvalue() and "all 40 steps are done" in console.file.getvalue()
    assert load_model(run.last_checkpoint()[1]).augmentation.brightness == JITTER[trial["level"]]["patch_brightness"]


def test_its_trainings_are_not_tracked(photo_folder, tmp_path):
    recipe = Recipe(steps=4, tracker="mlflow", data=f"dir:{photo_folder}", **TINY)
    short = jitter_trial._short(prepare(recipe, tmp_path / "run", Console(quiet=True)), "weak", tmp_path)
    assert (recipe.tracker, short.recipe.tracker) == ("mlflow", None)


def test_without_labels_it_is_weak_and_said(photo_folder, tmp_path):
    console = Console(file=io.StringIO(), width=400)
    pretrain(Recipe(steps=1, jitter="auto", data=f"dir:{photo_folder}", **TINY), tmp_path / "run", console)
    assert (
        "Jitter: weak; --labels FILE.csv, a few labelled images, has a short trial choose. The encoder is taught to "
        "ignore differences of up to 0.1 in brightness and 10 % in contrast.\n"
    ) in console.file.getvalue()


def test_labels_that_do_not_suffice_are_refused_before_anything_is_written(photo_folder, photo_classes, tmp_path):
    fields = {"steps": 1, "jitter": "auto", "data": f"dir:{photo_folder}", **TINY}
    with pytest.raises(InputError, match="`labelled` must have .* 20 images"):
        pretrain(Recipe(labelled=f"classes:{photo_classes}", **fields), tmp_path / "run", Console(quiet=True))
    assert not (tmp_path / "run").exists()


def test_a_time_that_is_too_short_for_a_trial_is_said_and_spent_on_the_run(bright_and_dark, monkeypatch):
    monkeypatch.setattr(fit_to_time, "measuring_seconds", lambda minutes: 0.1)
    monkeypatch.setattr(jitter_trial, "_SHARE_OF_MINUTES", 0.01)
    fields = {**TINY, "steps": 8, "checkpoint_every": 8, "data": f"dir:{bright_and_dark / 'images'}", "minutes": 5}
    asked = Recipe(jitter="auto", labelled=f"csv:{bright_and_dark / 'labels.csv'}", **fields)
    console, run = Console(file=io.StringIO(), width=400), RunFolder(bright_and_dark / "run")
    pretrain(asked, run.path, console)
    assert (
        "Jitter: weak; a trial by labels takes a third of the time, which is too short for 100 steps at each level. "
    ) in console.file.getvalue()
    assert run.jitter_trial() is None and run.open().steps == 8

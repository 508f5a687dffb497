import csv

import pytest

from cpc_keras.config.recipe import Recipe
from cpc_keras.evaluation.advice import advice
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.atomic import write_json

SETTLED = {"short_side": 111, "crop": 96, "patch_size": 32, "stride": 16}
JITTER = {"patch_color_distortion": 1.0, "patch_brightness": 0.4, "patch_contrast": 0.05}
STEPS = "more steps, --set steps=1600 ("


@pytest.fixture
def advised(tmp_path):
    def run(asked=None, losses=(6.0, 5.0, 4.9, 4.9), typical_side=300, done=800, trial=None, **fields):
        folder = RunFolder(tmp_path)
        recipe = Recipe(steps=800, **SETTLED, **fields)
        auto = Recipe(steps=800, **dict.fromkeys(SETTLED, "auto"), **fields)
        given = auto if asked is None else Recipe(steps=800, **asked)
        folder.begin(given, recipe, typical_side=typical_side, jitter_trial=trial)
        folder.checkpoint_file(done).touch()
        with open(folder.metrics_file, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["step", "loss", "chance"])
            rows.writerows([200 * (index + 1), loss, 7.0] for index, loss in enumerate(losses))
        return advice(folder)

    return run


def test_more_detail_weaker_jitter_more_steps_in_this_order(advised):
    said = advised(losses=(6.0, 5.0, 4.5, 4.0), **JITTER)
    detail, jitter, steps = said.partition(": ")[2].split("; ", 2)
    assert detail == "more detail, --set crop=192 (images are shrunk 2.7 times)"
    assert jitter == (
        "weaker jitter, --set jitter=weak (the encoder is taught to ignore differences of up to 0.4 in brightness and "
        "5 % in contrast)"
    )
    assert steps.startswith(f"{STEPS}the loss was still falling; ")


@pytest.mark.parametrize(
    "kwargs",
    [
        {"typical_side": 111},
        {"typical_side": None},
        {"asked": SETTLED},
        {"typical_side": 111, **JITTER, "patch_color_distortion": 0.0},
        {"typical_side": 111, **JITTER, "trial": {"level": "strong"}},
    ],
)
def test_only_what_can_help_is_advised(advised, kwargs):
    assert advised(**kwargs).partition(": ")[2].startswith(f"{STEPS}this goes on")


def test_weak_jitter_that_no_labels_chose_is_to_be_tried_on_some(advised, tmp_path):
    asked = {**SETTLED, "jitter": "auto"}
    weak = {"patch_color_distortion": 1.0, "patch_brightness": 0.1, "patch_contrast": 0.1}
    wish = "the jitter that a few labels speak for, --labels {} (a short trial compares three); more steps"
    assert wish.format("FILE.csv") in advised(asked=asked, **weak)
    write_json(RunFolder(tmp_path).source_file, {"data": "csv:my labels.csv", "cross_validate": True})
    assert wish.format("'my labels.csv'") in advice(RunFolder(tmp_path))


def test_what_was_stopped_is_to_go_on_as_it_is(advised):
    said = advised(losses=(6.0, 5.0, 4.5, 4.0), typical_side=None, done=500)
    assert said.endswith(": the rest of its steps, of which 500 of 800 are done (as it is).")


def test_a_run_of_an_older_version_has_no_size(tmp_path):
    folder = RunFolder(tmp_path)
    folder.begin(Recipe(steps=800), Recipe(steps=800, **SETTLED))
    text = folder.recipe_file.read_text().replace('"typical_side": null', '"other": 1')
    folder.recipe_file.write_text(text)
    assert folder.typical_side() is None and "the rest of its steps" in advice(folder)

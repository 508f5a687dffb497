import dataclasses

import pytest

from cpc_keras.config.files import load_recipe
from cpc_keras.config.jitter import JITTER, ignored, is_left_open
from cpc_keras.config.recipe import Recipe
from cpc_keras.config.resolve import resolve
from cpc_keras.data.image_set import from_arrays
from cpc_keras.describing.recipe_figures import settle
from cpc_keras.errors import InputError
from tests.config.test_build import SMALL

FIELDS = tuple(JITTER["weak"])


def jitter_of(recipe):
    return {name: getattr(recipe, name) for name in FIELDS}


@pytest.mark.parametrize(
    ("sets", "level", "other"),
    [
        ([], "weak", {}),
        (["jitter=strong"], "strong", {}),
        (["jitter=none", "patch_hue=0.1"], "none", {"patch_hue": 0.1}),
        (["patch_contrast=0.5"], "weak", {"patch_contrast": 0.5}),
    ],
)
def test_folder_has_a_level_and_single_fields_take_its_place(sets, level, other, color_photographs):
    recipe = resolve(load_recipe("folder", sets), color_photographs, accelerator=False)
    assert jitter_of(recipe) == JITTER[level] | other
    assert recipe.jitter is None
    assert resolve(recipe, color_photographs, accelerator=False) == recipe


def test_a_level_takes_the_place_of_a_files_single_fields(color_photographs):
    recipe = load_recipe("fashion_mnist", ["jitter=weak"])
    assert recipe.jitter == "weak" and recipe.patch_brightness == Recipe(steps=1).patch_brightness
    assert jitter_of(settle(dataclasses.replace(recipe, channels=3))) == JITTER["weak"]
    assert load_recipe("fashion_mnist").patch_brightness == 0.4


@pytest.fixture
def color_photographs(photographs):
    return from_arrays([photographs[0][:64, :64], photographs[1][:64, :64]] * 4)


def test_gray_images_have_no_color_to_drop(photographs):
    gray = from_arrays([photographs[index % 2][:64, :64, :1] for index in range(8)])
    assert resolve(load_recipe("folder", ["jitter=strong"]), gray, accelerator=False).patch_color_dropping == 0


@pytest.mark.parametrize(
    ("level", "channels", "words"),
    [
        ("strong", 1, "differences of up to 0.4 in brightness and 60 % in contrast"),
        (
            "strong",
            3,
            "differences of up to 0.4 in brightness and 60 % in contrast, and color itself (25 % of the patches lose "
            "it)",
        ),
        ("none", 3, ""),
    ],
)
def test_what_is_ignored_is_said(level, channels, words):
    assert ignored(Recipe(steps=1, channels=channels, **JITTER[level])) == words


def test_a_trial_takes_labels_and_an_open_end():
    assert is_left_open(Recipe(steps=1, jitter="auto", labelled="csv:few.csv"))
    assert is_left_open(Recipe(steps=1, jitter="auto", online_probe="csv:few.csv"))
    assert not is_left_open(Recipe(steps=1, jitter="auto"))
    assert not is_left_open(Recipe(steps=1, jitter="weak", online_probe="csv:few.csv"))
    assert not is_left_open(Recipe(steps=1, jitter="auto", labelled="csv:few.csv", without=("RC",)))


@pytest.mark.parametrize("fields", [{"jitter": "mild"}, {"ablation": {"PA": {"jitter": "none"}}}])
def test_what_cannot_be_meant_is_refused(fields):
    with pytest.raises(InputError, match="^`(jitter|ablation)` must"):
        Recipe(steps=1, **SMALL, **fields)

import dataclasses

import pytest

from cpc_keras.config.ablation_axes import AXIS_NAMES, effective_axes, switch_off
from cpc_keras.config.files import load_recipe
from cpc_keras.config.recipe import AXES, Recipe
from cpc_keras.errors import InputError

FULL = Recipe(
    steps=10,
    channels=3,
    crop=28,
    patch_size=12,
    stride=4,
    widths=(64, 128),
    patch_flip=0.5,
    patch_primitives=2,
    patch_color_distortion=0.8,
    patch_color_dropping=0.25,
    patch_sub_crop=10,
)


def changed(before, after):
    return {
        field.name: getattr(after, field.name)
        for field in dataclasses.fields(before)
        if getattr(after, field.name) != getattr(before, field.name)
    }


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        ("MC", {"widths": (32, 64)}),
        ("BU", {"directions": ("down", "right", "left")}),
        ("LN", {"normalization": "batch"}),
        ("RC", {"patch_color_dropping": 0.0, "patch_flip": 0.0}),
        ("HP", {"directions": ("down", "up")}),
        ("LP", {"patch_size": 8}),
        ("PA", {"patch_primitives": 0, "patch_color_distortion": 0.0}),
    ],
)
def test_an_axis_that_is_off_changes_its_own_fields_only(axis, expected):
    assert changed(FULL, switch_off(dataclasses.replace(FULL, without=(axis,)))) == expected
    assert axis in AXIS_NAMES and axis in effective_axes(FULL)


def test_all_off_predicts_downwards_from_small_patches_and_is_switched_no_further():
    recipe = switch_off(dataclasses.replace(FULL, without=AXES))
    assert (recipe.directions, recipe.normalization, recipe.patch_size) == (("down",), "batch", 8)
    assert recipe.without == () and recipe.patch_sub_crop == 10
    assert effective_axes(recipe) == ("MC", "LP")


def test_encoders_of_the_family_step_down():
    recipe = dataclasses.replace(FULL, encoder="resnet161", without=("MC",))
    assert switch_off(recipe).encoder == "resnet101"


def test_a_recipe_may_say_what_off_means():
    ablation = {"LP": {"crop": 256, "patch_size": 64, "stride": 32}}
    recipe = dataclasses.replace(FULL, ablation=ablation, without=("LP",))
    assert changed(FULL, switch_off(recipe)) == {**ablation["LP"], "ablation": ablation}


def test_what_a_recipe_says_of_directions_and_the_rule_for_others_go_together():
    recipe = dataclasses.replace(FULL, ablation={"HP": {"directions": ("down", "up")}}, without=("BU", "HP"))
    assert switch_off(recipe).directions == ("down", "up")  # HP comes after BU and says all
    assert effective_axes(recipe, ("RC",)) == ("RC",)


@pytest.mark.parametrize("name", ["imagenet_cpc_v2_resnet161", "imagenet_cpc_v2_resnet50"])
def test_all_axes_of_cpc_v2_have_an_effect(name):
    recipe = load_recipe(name)
    assert effective_axes(recipe) == AXES
    assert switch_off(dataclasses.replace(recipe, without=("LP",))).crop == 256


def test_the_first_paper_has_small_patches_already():
    assert "LP" not in effective_axes(load_recipe("imagenet_cpc_v1"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"directions": ("up",), "without": ("BU",)}, "`without` must leave a direction to predict"),
        ({"patch_size": 4, "without": ("LP",)}, "`without` can name 'LP' only where"),
        ({"patch_size": "auto", "without": ("LP",)}, "`without` can name 'LP' only where"),
    ],
)
def test_refuses_what_cannot_be_switched_off(fields, message):
    with pytest.raises(InputError, match=message):
        switch_off(dataclasses.replace(FULL, **fields))

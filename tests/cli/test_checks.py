import pytest

from cpc_keras.cli.checks import open_recipe
from cpc_keras.errors import InputError


def test_minutes_and_data_stand_for_a_field_of_the_recipe():
    recipe = open_recipe("fashion_mnist", ["steps=30", "minutes=3"], "dir:here", 2.5, check=False)
    assert (recipe.steps, recipe.minutes, recipe.data) == (30, 2.5, "dir:here")
    assert open_recipe("fashion_mnist", ["minutes=3"], None).minutes == 3


def test_labels_are_for_a_jitter_that_is_open():
    labels = {"labelled": "csv:few.csv", "check": False}
    assert open_recipe("folder", None, "dir:here", **labels).labelled == "csv:few.csv"
    for recipe, sets in (("fashion_mnist", []), ("folder", ["jitter=none"]), ("folder", ["patch_contrast=0.3"])):
        with pytest.raises(InputError, match="^`--labels` chooses the jitter, and needs jitter='auto'"):
            open_recipe(recipe, sets, "dir:here", **labels)

from cpc_keras.cli.checks import open_recipe


def test_minutes_and_data_stand_for_a_field_of_the_recipe():
    recipe = open_recipe("fashion_mnist", ["steps=30", "minutes=3"], "dir:here", 2.5, check=False)
    assert (recipe.steps, recipe.minutes, recipe.data) == (30, 2.5, "dir:here")
    assert open_recipe("fashion_mnist", ["minutes=3"], None).minutes == 3

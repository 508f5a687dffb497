import json

from cpc_keras.cli.commands.pretraining import recipes
from cpc_keras.config.files import load_recipe, recipe_files
from cpc_keras.config.recipe import Recipe
from cpc_keras.describing.recipe_figures import figures, settle
from cpc_keras.describing.recipe_list import listed_recipes, matrix_speed, recipe_table


def test_every_recipe_is_listed_with_its_cost_here():
    found = {one.name: one for one in listed_recipes()}
    assert sorted(found) == [path.stem for path in recipe_files()] and len(found) >= 15
    assert all(one.summary.endswith(".") and "\n" not in one.summary for one in found.values())
    assert all(one.cost for one in found.values())
    assert (found["folder"].cost, found["folder"].seconds) == ("at most 15 minutes", 900.0)
    assert found["trees_faster_rcnn"].kind == "detection" and found["trees_faster_rcnn"].seconds is None
    # By the operations of the recipe, within what the speed of a machine changes in a minute.
    counted = figures(settle(load_recipe("trees"), accelerator=None))["flops"]["run"]
    assert 0.2 < found["trees"].seconds * 0.6 * matrix_speed() / counted < 5
    rows = [row.cells[0] for row in recipe_table(list(found.values())).rows]
    assert rows == list(found)


def test_the_command_prints_them_as_json(capsys):
    recipes(json=True)
    told = json.loads(capsys.readouterr().out)
    assert {"name", "kind", "summary", "seconds", "cost"} == set(told[0])
    assert isinstance(load_recipe(told[0]["name"]), Recipe)

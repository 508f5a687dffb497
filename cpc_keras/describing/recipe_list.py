"""The recipes that come along: what each is, and about how long it takes on this machine."""

import ast
import dataclasses
import re
import time

import keras
import numpy as np

from cpc_keras.backend.distribution import has_accelerator
from cpc_keras.config.fields import AUTO
from cpc_keras.config.files import load_recipe, recipe_files
from cpc_keras.config.recipe import Recipe
from cpc_keras.config.resolve import usual_minutes, usual_precision
from cpc_keras.describing.recipe_figures import asks_for_images, figures, settle
from cpc_keras.describing.time_budget import minutes_text
from cpc_keras.errors import InputError
from cpc_keras.progress import duration
from cpc_keras.storage.text import read_text
from cpc_keras.tables import Table

# Side of the matrices that are multiplied to see what the machine does, and for how many seconds they are.
_SIDE, _SECONDS = 2048, 1.0
# Share of that which training reaches, on a processor and on an accelerator.
_SHARE, _ACCELERATED_SHARE = 0.6, 0.35


@dataclasses.dataclass(frozen=True)
class ListedRecipe:
    """A line of the list.

    Attributes:
        name: What commands call it.
        kind: `"pretraining"` or `"detection"`.
        summary: The first sentence of its docstring.
        seconds: Of its training on this machine, by its operations; `None` where images or a detector decide.
        cost: That in words, or those of its docstring.
    """

    name: str
    kind: str
    summary: str
    seconds: float | None
    cost: str


def listed_recipes():
    """All recipes that come along, a `ListedRecipe` each; multiplies matrices for a second or two."""
    speeds: dict[str, float] = {}
    return [_listed(path, speeds) for path in recipe_files()]


def recipe_table(recipes):
    """A `Table` of them.

    Args:
        recipes: A list of `ListedRecipe`.
    """
    table = Table(("recipe", "cost here", "what it is"), left=(0, 1, 2), unbroken=(0,))
    for one in recipes:
        table.add(one.name, one.cost, one.summary)
    return table


def _listed(path, speeds):
    told = ast.get_docstring(ast.parse(read_text(path))) or ""
    summary = " ".join(told.split("\n\n")[0].split())
    try:
        recipe = load_recipe(str(path))
    except InputError:  # one for detection
        return ListedRecipe(path.stem, "detection", summary, None, _said_cost(told))
    if recipe.minutes == AUTO:
        recipe = dataclasses.replace(recipe, minutes=usual_minutes())
    if recipe.minutes is not None:
        seconds = 60.0 * recipe.minutes
        return ListedRecipe(path.stem, "pretraining", summary, seconds, f"at most {minutes_text(recipe.minutes)}")
    if asks_for_images(recipe):
        return ListedRecipe(path.stem, "pretraining", summary, None, "as its images are")
    seconds = _seconds_here(recipe, speeds)
    return ListedRecipe(path.stem, "pretraining", summary, seconds, f"about {duration(seconds)}")


def _seconds_here(recipe: Recipe, speeds):
    recipe = settle(recipe, accelerator=None)
    if recipe.precision not in speeds:
        speeds[recipe.precision] = matrix_speed(recipe.precision)
    share = _ACCELERATED_SHARE if has_accelerator() else _SHARE
    return figures(recipe)["flops"]["run"] / (share * speeds[recipe.precision])


def matrix_speed(precision=None):
    """Operations a second of this machine in products of matrices.

    Args:
        precision: `"float32"` or `"mixed_bfloat16"`; what recipes leave open if `None`.

    Example:

    >>> matrix_speed("float32") > 1e8
    True
    """
    dtype = "float32" if (precision or usual_precision()) == "float32" else "bfloat16"
    factor = keras.ops.cast(np.random.default_rng(0).random((_SIDE, _SIDE), dtype="float32"), dtype)
    _product(factor)
    products, began = 0, time.perf_counter()
    while time.perf_counter() - began < _SECONDS:
        _product(factor)
        products += 1
    return 2.0 * _SIDE**3 * products / (time.perf_counter() - began)


def _product(factor):
    float(keras.ops.matmul(factor, factor)[0, 0])  # accelerators work on while Python is ahead


def _said_cost(told):
    """The first clause of what a docstring says of cost."""
    found = re.search(r"^Cost:\s+([^;.]*)", told, re.M)
    return " ".join(found[1].split()) if found else ""

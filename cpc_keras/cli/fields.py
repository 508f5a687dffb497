"""The fields of a recipe as a table: value, bounds, and what each is."""

import dataclasses

from cpc_keras.config.detection_recipe import DetectionRecipe
from cpc_keras.config.fields import REQUIRED, default_of
from cpc_keras.config.files import load_recipe
from cpc_keras.config.recipe import PATCH_FIELDS, Recipe
from cpc_keras.errors import InputError
from cpc_keras.tables import Table


def field_table(name=None, detection=False):
    """Every field of a recipe.

    Args:
        name: A recipe's file or name, whose values are shown; the defaults if `None`.
        detection: Whether it is a recipe for detection; of a recipe that is named, it
            is found out.

    Returns:
        A `Table`. What the recipe sets otherwise than by default stands out.

    Raises:
        InputError: If there is no such recipe, or it cannot be read.
    """
    kind, recipe = DetectionRecipe if detection else Recipe, None
    if name is not None:
        kind, recipe = _loaded(name, detection)
    columns = ("field", "default" if recipe is None else "value", "must", "what it is")
    table = Table(columns, left=range(len(columns)), unbroken=(0,))
    # Those of the patch augmentation last: there are many.
    for field in sorted(dataclasses.fields(kind), key=lambda one: one.name in PATCH_FIELDS.values()):
        default = default_of(field)
        value = default if recipe is None else getattr(recipe, field.name)
        shown = "(required)" if value is REQUIRED else repr(value)
        table.add(
            field.name, shown, _must(field), field.metadata["text"], total=recipe is not None and value != default
        )
    return table


def field_list(name=None, detection=False):
    """The same for programs: a dictionary a field, of what JSON can hold.

    Args:
        name: As of `field_table`.
        detection: As of `field_table`.

    Returns:
        List of dictionaries of `"field"`, `"value"` (the default where no recipe is
        named, `None` if it must be set), `"required"`, `"choices"`, `"must"` and `"help"`.

    Raises:
        InputError: As of `field_table`.
    """
    kind, recipe = DetectionRecipe if detection else Recipe, None
    if name is not None:
        kind, recipe = _loaded(name, detection)
    found = []
    for field in dataclasses.fields(kind):
        value = default_of(field) if recipe is None else getattr(recipe, field.name)
        found.append(
            {
                "field": field.name,
                "value": None if value is REQUIRED else value,
                "required": default_of(field) is REQUIRED,
                "choices": field.metadata["choices"],
                "must": _must(field),
                "help": field.metadata["text"],
            }
        )
    return found


def _loaded(name, detection):
    """`(kind, recipe)` of a file, whichever of the two it is, if nobody says."""
    if detection:
        return DetectionRecipe, load_recipe(name, kind=DetectionRecipe)
    try:
        return Recipe, load_recipe(name)
    except InputError as error:
        try:
            return DetectionRecipe, load_recipe(name, kind=DetectionRecipe)
        except InputError:
            raise error from None


def _must(field):
    choices, bounds = field.metadata["choices"], field.metadata["bounds"]
    if choices:
        return f"be {', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"
    return str(bounds) if bounds else ""

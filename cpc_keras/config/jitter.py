"""How much brightness, contrast and colors of patches change at random: three levels that a recipe can name."""

import dataclasses

from cpc_keras.config.fields import AUTO

_STILL = {"patch_brightness": 0.0, "patch_saturation": 0.0, "patch_hue": 0.0, "patch_contrast": 0.0}
# What each level sets. The last, with color dropping, is what suits Fashion-MNIST.
JITTER = {
    "none": {"patch_color_distortion": 0.0, **_STILL, "patch_color_dropping": 0.0},
    "weak": {
        **{"patch_color_distortion": 1.0, **_STILL, "patch_brightness": 0.1, "patch_contrast": 0.1},
        "patch_color_dropping": 0.0,
    },
    "strong": {
        **{"patch_color_distortion": 1.0, **_STILL, "patch_brightness": 0.4, "patch_contrast": 0.6},
        "patch_color_dropping": 0.25,
    },
}
# What `"auto"` is where no labels say otherwise.
USUAL = "weak"
_FIELDS = frozenset(JITTER[USUAL])


def jitter_fields(level):
    """The fields of a recipe that a level of `jitter` sets.

    Args:
        level: `"none"`, `"weak"`, `"strong"`, `"auto"`, which is weak as far as is known
            without labels, or `None`, which sets nothing.

    Returns:
        A dictionary; `jitter` is `None` in it, since its fields say it all.

    Example:

    >>> jitter_fields("auto")["patch_brightness"], jitter_fields(None)
    (0.1, {})
    """
    return {} if level is None else {**JITTER[USUAL if level == AUTO else level], "jitter": None}


def with_single_fields(fields, given):
    """The fields of a file with those of a command in their place; either may name a level or single fields of it.

    A level that is given replaces the file's single fields; a single field that is
    given, the level in that one field.

    Args:
        fields: Dictionary, what the file says.
        given: Dictionary, what the command says.

    Example:

    >>> fields = with_single_fields({"jitter": "auto", "seed": 1}, {"patch_brightness": 0.3})
    >>> fields["patch_brightness"], fields["patch_contrast"], fields["jitter"], fields["seed"]
    (0.3, 0.1, None, 1)
    """
    if given.get("jitter") is not None:
        fields = {name: value for name, value in fields.items() if name not in _FIELDS}
    fields = fields | given
    level = fields.get("jitter")
    if _FIELDS.isdisjoint(fields) or level not in (AUTO, *JITTER):  # another is refused later
        return fields
    return jitter_fields(level) | {name: value for name, value in fields.items() if name != "jitter"}


def ignored(recipe):
    """What an encoder is taught to ignore by a recipe's jitter: words, empty where it is taught nothing of the kind.

    Args:
        recipe: A `Recipe`.

    Example:

    >>> from cpc_keras.config.recipe import Recipe
    >>> ignored(Recipe(steps=1, channels=1, **JITTER["weak"]))
    'differences of up to 0.1 in brightness and 10 % in contrast'
    >>> ignored(Recipe(steps=1, channels=1, **JITTER["none"]))
    ''
    """
    parts = []
    if recipe.patch_color_distortion:
        strengths = {name: getattr(recipe, f"patch_{name}") for name in ("brightness", "contrast", "saturation", "hue")}
        if strengths["brightness"]:
            parts.append(f"{strengths['brightness']:g} in brightness")
        for name in ("contrast", *(("saturation", "hue") if recipe.channels == 3 else ())):
            if strengths[name]:
                parts.append(f"{100 * strengths[name]:g} % in {name}")
    words = [f"differences of up to {' and '.join(parts)}"] if parts else []
    if recipe.channels == 3 and recipe.patch_color_dropping:
        words.append(f"color itself ({100 * recipe.patch_color_dropping:g} % of the patches lose it)")
    return ", and ".join(words)


def is_left_open(recipe):
    """Whether a recipe leaves its jitter to a trial, has the labels for it, and switches none of its fields off.

    Args:
        recipe: A `Recipe`, as it was given.
    """
    return recipe.jitter == AUTO and not recipe.without and (recipe.labelled or recipe.online_probe) is not None


def with_jitter(recipe, level):
    """A recipe with another jitter.

    Args:
        recipe: A `Recipe`, resolved or not.
        level: As of `jitter_fields`.
    """
    fields = jitter_fields(level)
    if fields and recipe.channels == 1:
        fields["patch_color_dropping"] = 0.0  # nothing to drop
    return dataclasses.replace(recipe, **fields)

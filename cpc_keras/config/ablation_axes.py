"""The axes of the paper's ablation as switches of a recipe."""

import dataclasses

from cpc_keras.config.recipe import AUTO, AXES, PATCH_SWITCHES
from cpc_keras.errors import InputError

AXIS_NAMES = {
    "MC": "model capacity",
    "BU": "bottom-up prediction",
    "LN": "layer norm",
    "RC": "colour dropping",
    "HP": "horizontal prediction",
    "LP": "larger patches",
    "PA": "further patch augmentation",
}
# The published baseline is ResNet-101; the others step down in like manner.
_SMALLER = {
    "resnet170": "resnet101",
    "resnet161": "resnet101",
    "resnet152": "resnet50",
    "resnet101": "resnet50",
    "resnet50": "resnet18",
    "resnet34": "resnet18",
}
# Mirrored patches came with colour dropping, the other augmentations after it.
_RC = ("patch_color_dropping", "patch_flip")


def switch_off(recipe):
    """A recipe with the axes in `without` switched off, and `without` empty.

    An axis that is off sets what the recipe's `ablation` says of it, or else:

    * `MC`: the next smaller encoder of the family, or half the `widths`;
    * `BU`: no direction `"up"`; `HP`: no `"left"` and `"right"`;
    * `LN`: batch norm, as the networks before it had;
    * `RC`: neither colour dropping nor mirrored patches; `PA`: no other patch
      augmentation (the sub-crop of the first paper stays);
    * `LP`: patches smaller by one stride.

    Args:
        recipe: A `Recipe`; its `patch_size` and `stride` must be numbers if
            `LP` is off.

    Returns:
        A `Recipe`.

    Raises:
        InputError: If no direction would be left, or patches cannot be smaller.

    Reference:
        Hénaff et al. 2019, arXiv 1905.09272, Figure 3.

    Example:

    >>> from cpc_keras.config.recipe import Recipe
    >>> switch_off(Recipe(steps=1, without=("BU", "HP"))).directions
    ('down',)
    """
    fields = {"without": (), "directions": recipe.directions}
    for axis in AXES:
        if axis not in recipe.without:
            continue
        if axis in recipe.ablation:
            fields |= recipe.ablation[axis]
        elif axis == "BU":
            fields["directions"] = tuple(name for name in fields["directions"] if name != "up")
        elif axis == "HP":
            fields["directions"] = tuple(name for name in fields["directions"] if name not in ("left", "right"))
        else:
            fields |= _OFF[axis](recipe)
    if not fields["directions"]:
        raise InputError(f"`without` must leave a direction to predict. Received: without={recipe.without}")
    return dataclasses.replace(recipe, **fields)


def effective_axes(recipe, axes=AXES):
    """Those of `axes` that change a recipe when they are switched off.

    Args:
        recipe: A resolved `Recipe`.
        axes: Axes to ask about.

    Example:

    >>> from cpc_keras.config.recipe import Recipe
    >>> recipe = Recipe(steps=1, patch_size=12, stride=4, channels=1, directions=("down", "up"))
    >>> effective_axes(recipe)
    ('MC', 'BU', 'LN', 'LP')
    """
    return tuple(axis for axis in axes if switch_off(dataclasses.replace(recipe, without=(axis,))) != recipe)


def _smaller_model(recipe):
    if recipe.encoder == "resnet":
        return {"widths": tuple(width // 2 for width in recipe.widths)}
    return {"encoder": _SMALLER.get(recipe.encoder, recipe.encoder)}


def _smaller_patches(recipe):
    if AUTO in (recipe.patch_size, recipe.stride) or recipe.patch_size <= recipe.stride:
        raise InputError(
            "`without` can name 'LP' only where `ablation` says what it means or patches are larger than `stride`. "
            f"Received: patch_size={recipe.patch_size}, stride={recipe.stride}"
        )
    return {"patch_size": recipe.patch_size - recipe.stride}


_OFF = {
    "MC": _smaller_model,
    "LN": lambda recipe: {"normalization": "batch" if recipe.normalization == "layer" else recipe.normalization},
    "RC": lambda recipe: dict.fromkeys(_RC, 0.0),
    "LP": _smaller_patches,
    "PA": lambda recipe: {name: 0 for name in PATCH_SWITCHES if name not in _RC},
}

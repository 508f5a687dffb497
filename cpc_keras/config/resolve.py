"""What a recipe leaves open, chosen from the images and the machine."""

import dataclasses
import pathlib
import re

import numpy as np

from cpc_keras.backend.distribution import has_accelerator
from cpc_keras.config.ablation_axes import switch_off
from cpc_keras.config.image_sizes import check_memory, typical_side
from cpc_keras.config.jitter import jitter_fields
from cpc_keras.config.recipe import AUTO
from cpc_keras.data.preparation import without_tiny
from cpc_keras.data.sources import open_source
from cpc_keras.errors import InputError

# Images up to this short side keep their size; patches up to it take the small stem.
_SMALL = 40
_CPU_CROP, _ACCELERATOR_CROP = 96, 256
_CPU_BATCH, _ACCELERATOR_BATCH = 32, 128
_CPU_MINUTES = 15
# Random crops are taken from images this much larger than the crop.
_CROP_MARGIN = 300 / 260
_SMALL_STEM, _MEDIUM_STEM = 8, 24


def open_images(recipe, progress=None):
    """The images of a recipe, without those that are far smaller than its crops.

    Args:
        recipe: A `Recipe`, resolved or not.
        progress: As of `cpc_keras.data.open_source`.

    Returns:
        An `ImageSet`.

    Raises:
        InputError: If they cannot be opened.
    """
    images = open_source(recipe.data, max_bad_share=recipe.max_bad_share, tile=recipe.tile, progress=progress)
    return without_tiny(images, _side_needed(recipe, images), recipe.max_bad_share)


def _side_needed(recipe, images):
    """Side of a crop in pixels, as far as it is known yet."""
    if recipe.crop != AUTO:
        return recipe.crop
    return min(_CPU_CROP, typical_side(images.sizes))


def resolve(recipe, images, accelerator=None):
    """Replaces every `"auto"` of a recipe, applies its switches and checks the geometry.

    Small images (short side up to 40 px) are used as they are, with patches of
    three strides; larger ones are shrunk so that a crop of 96 px (256 on an
    accelerator) fits, with patches of two strides. None is enlarged that is of the
    usual size.

    Args:
        recipe: A `Recipe`.
        images: The `ImageSet` it will see.
        accelerator: Whether a GPU or TPU computes; found out if `None`.

    Returns:
        A `Recipe` without `"auto"` and with no axis in `without`.

    Raises:
        InputError: If crop, patches, stride, directions, offsets, batch or patch
            augmentation do not fit, or `short_side` makes images of gigabytes.
    """
    accelerator = has_accelerator() if accelerator is None else accelerator
    chosen = dataclasses.asdict(recipe)

    def settle(name, value):
        if chosen[name] == AUTO:
            chosen[name] = value

    settle("channels", images.channels)
    smallest = int(images.sizes[:, :2].min())
    typical = typical_side(images.sizes)
    small = smallest <= _SMALL if recipe.short_side is None else typical <= _SMALL
    reach = 7 if small else 8 if accelerator else 6  # strides in a crop
    if chosen["crop"] == AUTO:
        limit = _SMALL if small else _ACCELERATOR_CROP if accelerator else _CPU_CROP
        room = typical if recipe.short_side == AUTO else recipe.short_side or smallest
        chosen["crop"] = _crop_for(recipe, min(limit, room), reach)
    margin = 1.0 if small else _CROP_MARGIN
    settle("short_side", max(chosen["crop"], min(round(chosen["crop"] * margin), typical)))
    settle("stride", max(1, chosen["crop"] // reach))
    settle("patch_size", chosen["crop"] - (4 if reach < 8 else 6) * chosen["stride"])
    settle("stem", _stem_for(chosen["patch_size"]))
    settle("precision", usual_precision(accelerator))
    settle("minutes", usual_minutes(accelerator))
    usual = _ACCELERATOR_BATCH if accelerator else _CPU_BATCH
    settle("batch_size", int(np.clip(len(images) // 4, 2, usual)))
    chosen |= jitter_fields(recipe.jitter)
    if chosen["channels"] == 1:
        chosen["patch_color_dropping"] = 0.0  # nothing to drop
    switched = switch_off(type(recipe)(**chosen))
    chosen = dataclasses.asdict(switched)
    check_geometry(switched)
    check_memory(switched, images)
    available = chosen["short_side"] or smallest
    if chosen["crop"] > available:
        raise InputError(
            f"`crop` must not exceed the short side of the smallest image, {available} px. "
            f"Received: crop={chosen['crop']}"
        )
    if chosen["batch_size"] > len(images):
        raise InputError(
            f"`batch_size` must not exceed the number of images, {len(images)}. "
            f"Received: batch_size={chosen['batch_size']}"
        )
    if chosen["epochs"] is not None:
        steps = chosen["epochs"] * max(1, len(images) // chosen["batch_size"])
        chosen["steps"] = max(steps - steps % recipe.accumulate, recipe.accumulate)
        chosen["epochs"] = None
    return type(recipe)(**chosen)


def check_geometry(recipe):
    """Checks that patches cover the crop, predictions stay on the grid, and the patch augmentation holds.

    Args:
        recipe: A `Recipe` whose geometry has no `"auto"`.

    Returns:
        Patches a side of the grid.

    Raises:
        InputError: If not.

    Example:

    >>> from cpc_keras.config.recipe import Recipe
    >>> check_geometry(Recipe(steps=1, crop=28, patch_size=12, stride=4))
    5
    """
    from cpc_keras.layers.patch_augmentation import PatchAugmentation
    from cpc_keras.layers.patch_extractor import grid_size
    from cpc_keras.models.directions import check_prediction

    try:
        side = grid_size(recipe.crop, recipe.patch_size, recipe.stride)
        check_prediction(side, side, recipe.directions, recipe.offsets)
    except ValueError as error:
        raise InputError(str(error)) from error
    try:
        PatchAugmentation(**recipe.patch_augmentation)
    except ValueError as error:  # the layer's arguments are the recipe's, less `patch_`
        raise InputError(re.sub(r"`(\w+)`", r"`patch_\1`", str(error), count=1)) from error
    if recipe.patch_sub_crop is not None and recipe.patch_sub_crop > recipe.patch_size:
        raise InputError(
            f"`patch_sub_crop` must not exceed `patch_size`, {recipe.patch_size} px. "
            f"Received: patch_sub_crop={recipe.patch_sub_crop}"
        )
    return side


def _crop_for(recipe, room, reach):
    """The largest crop within `room` that patches cover exactly."""
    if recipe.patch_size == AUTO or recipe.stride == AUTO:
        return max(1, room // reach) * reach
    steps = max(0, (room - recipe.patch_size) // recipe.stride)
    return recipe.patch_size + steps * recipe.stride


def _stem_for(patch_size):
    if patch_size <= _SMALL_STEM:
        return "small"
    return "medium" if patch_size <= _MEDIUM_STEM else "large"


def overlaps(recipe):
    """Pixels by which a predicted patch overlaps the last one seen, by offset.

    Args:
        recipe: A resolved `Recipe`.

    Returns:
        A dictionary with an entry for each offset whose patches overlap.

    Example:

    >>> from cpc_keras.config.recipe import Recipe
    >>> overlaps(Recipe(steps=1, patch_size=80, stride=36, offsets=(2, 3)))
    {2: 8}
    """
    return {k: recipe.patch_size - k * recipe.stride for k in recipe.offsets if recipe.patch_size > k * recipe.stride}


def usual_precision(accelerator=None):
    """What `precision="auto"` becomes.

    Args:
        accelerator: Whether a GPU or TPU computes; found out if `None`.
    """
    accelerator = has_accelerator() if accelerator is None else accelerator
    return "mixed_bfloat16" if accelerator or computes_in_bfloat16() else "float32"


def usual_minutes(accelerator=None):
    """What `minutes="auto"` becomes.

    Args:
        accelerator: Whether a GPU or TPU computes; found out if `None`.
    """
    return None if (has_accelerator() if accelerator is None else accelerator) else _CPU_MINUTES


def computes_in_bfloat16():
    """Whether this processor multiplies bfloat16 numbers itself."""
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return False
    flags = cpuinfo.read_text(encoding="utf-8", errors="replace")
    return "amx_bf16" in flags or "avx512_bf16" in flags

"""What becomes of images that a recipe resizes: what is lost, and what it costs to keep more."""

import numpy as np

from cpc_keras.config.recipe import AUTO
from cpc_keras.errors import InputError

# Bytes of an image in float32 that nobody can mean, and how many times longer, or shorter, its sides become before it
# is said.
_HUGE, _MUCH, _SHRUNK = 2**31, 2, 1.25


def enlargement(recipe, images):
    """What is lost where images are enlarged much: a sentence, empty where they are not.

    Args:
        recipe: A resolved `Recipe`.
        images: The `ImageSet`, as opened.
    """
    if recipe.short_side is None:
        return ""
    short = images.sizes[:, :2].min(axis=1)
    count = int((_MUCH * short < recipe.short_side).sum())
    if not count:
        return ""
    height, width = images.sizes[int(short.argmin()), :2]
    return (
        f"short_side={recipe.short_side} makes {count:,} of {len(short):,} images more than {_MUCH} times as large, "
        f"the smallest from {height} × {width} px: that takes time and adds nothing to see."
    )


def shrinkage(asked, recipe, images):
    """What is lost where images are shrunk, and what keeping more of it costs: a sentence, empty where they are not.

    Args:
        asked: The recipe as it was given.
        recipe: The same, resolved.
        images: The `ImageSet`, as opened.
    """
    if recipe.short_side is None:
        return ""
    typical = typical_side(images.sizes)
    times = typical / recipe.short_side
    if times < _SHRUNK:
        return ""
    lost = f"A typical image, {typical} px on its shorter side, is shrunk {times:.1f} times, to {recipe.short_side} px"
    larger = larger_crop(asked, recipe, typical)
    if larger is None:
        return f"{lost}: what is finer is lost. A larger short_side with a larger crop keeps more, and takes longer."
    cost = (larger / recipe.crop) ** 2
    takes = f"takes about {cost:.1f} times as long" if recipe.minutes is None else f"1 in {cost:.1f} of the steps fits"
    return (
        f"{lost}, so that crops of {recipe.crop} px fit: what is finer is lost. --set crop={larger} keeps "
        f"{larger / recipe.crop:.1f} times as much, and {takes}."
    )


def larger_crop(asked, recipe, typical):
    """A crop that keeps more of images which are shrunk, up to twice as much; `None` where there is none to advise.

    Args:
        asked: The recipe as it was given.
        recipe: The same, resolved.
        typical: Pixels of the shorter side of a typical image.
    """
    if recipe.short_side is None or typical < _SHRUNK * recipe.short_side:
        return None
    if {asked.short_side, asked.crop, asked.patch_size, asked.stride} != {AUTO}:
        return None
    reach = (recipe.crop - recipe.patch_size) // recipe.stride + 2
    return int(recipe.crop * min(_MUCH, typical / recipe.short_side)) // reach * reach


def typical_side(sizes):
    """Pixels of the shorter side of a typical image.

    Args:
        sizes: Height and width, in the first two columns.
    """
    return int(np.median(sizes[:, :2].min(axis=1)))


def check_memory(recipe, images):
    """Refuses what would make a typical image take gigabytes; single odd ones are found when they are read.

    Args:
        recipe: A resolved `Recipe`.
        images: The `ImageSet`, as opened.

    Raises:
        InputError: If it would.
    """
    if recipe.short_side is None:
        return
    height, width = np.median(
        images.sizes[:, :2] * (recipe.short_side / images.sizes[:, :2].min(axis=1))[:, None], axis=0
    )
    bytes_ = 4 * recipe.channels * height * width
    if bytes_ > _HUGE:
        raise InputError(
            f"`short_side` must leave an image in less than {_HUGE / 2**30:g} GiB. Received: short_side="
            f"{recipe.short_side}, by which a typical one has {height:.0f} × {width:.0f} px, {bytes_ / 2**30:.1f} GiB"
        )

import dataclasses

import pytest

from cpc_keras.config.image_sizes import enlargement, shrinkage
from cpc_keras.config.recipe import AUTO, Recipe
from cpc_keras.config.resolve import resolve
from cpc_keras.errors import InputError
from tests.config.test_resolve import image_set


def test_much_enlarged_images_are_told_of_and_impossible_ones_refused():
    images = image_set(5, 40, 48)
    images.sizes[0, :2] = (10, 30)
    geometry = {"crop": 64, "patch_size": 32, "stride": 16, "offsets": (2,)}
    wide = resolve(Recipe(steps=1, short_side=80, **(geometry | {"offsets": (1,)})), images, False)
    assert enlargement(wide, images) == (
        "short_side=80 makes 1 of 5 images more than 2 times as large, the smallest from 10 × 30 px: that takes time "
        "and adds nothing to see."
    )
    assert enlargement(resolve(Recipe(steps=1), image_set(100, 28, 28), False), image_set(100, 28, 28)) == ""
    with pytest.raises(InputError, match=r"`short_side` must leave an image in less than 2 GiB. Received: short_side="):
        resolve(Recipe(steps=1, short_side=30000, **geometry), images, False)


def test_shrunk_images_are_told_of_with_what_more_detail_costs():
    images = image_set(50, 300, 300)
    asked = Recipe(steps=1, short_side=AUTO)
    resolved = resolve(asked, images, False)
    assert shrinkage(asked, resolved, images) == (
        "A typical image, 300 px on its shorter side, is shrunk 2.7 times, to 111 px, so that crops of 96 px fit: what "
        "is finer is lost. --set crop=192 keeps 2.0 times as much, and takes about 4.0 times as long."
    )
    assert shrinkage(asked, dataclasses.replace(resolved, minutes=15), images).endswith(
        "and 1 in 4.0 of the steps fits."
    )
    larger = dataclasses.replace(asked, crop=192)
    assert resolve(larger, images, False).short_side == 222
    assert "(--set" not in shrinkage(larger, resolve(larger, images, False), images)
    for side in (28, 96, 120):
        images = image_set(50, side, side)
        assert shrinkage(asked, resolve(asked, images, False), images) == ""

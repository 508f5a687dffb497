import numpy as np
import pytest

from cpc_keras.config.recipe import AUTO, Recipe
from cpc_keras.config.resolve import overlaps, resolve
from cpc_keras.data.image_set import ImageSet
from cpc_keras.errors import InputError
from cpc_keras.layers.patch_extractor import grid_size


def image_set(count, height, width, channels=3):
    sizes = np.tile([height, width, channels], (count, 1))
    return ImageSet("test", "all", [str(i) for i in range(count)], lambda i: None, sizes)


@pytest.mark.parametrize("side", [28, 32, 35, 64, 90, 224, 480, 3000])
@pytest.mark.parametrize("accelerator", [False, True])
def test_every_image_size_gets_a_geometry_that_covers_it(side, accelerator):
    asked = Recipe(steps=10, short_side=AUTO, offsets=(2, 3))
    recipe = resolve(asked, image_set(500, side, side + 20), accelerator)
    assert AUTO not in vars(recipe).values()
    grid = grid_size(recipe.crop, recipe.patch_size, recipe.stride)
    assert 5 <= grid <= 7
    assert recipe.crop <= recipe.short_side <= side
    assert recipe.channels == 3
    assert overlaps(recipe) == {} or recipe.crop <= 40


def test_small_images_get_the_geometry_of_the_demo():
    recipe = resolve(Recipe(steps=10), image_set(100, 28, 28, 1), accelerator=False)
    assert (recipe.crop, recipe.patch_size, recipe.stride, recipe.channels) == (28, 12, 4, 1)


def test_batch_fits_the_number_of_images():
    assert resolve(Recipe(steps=1), image_set(12, 28, 28), False).batch_size == 3
    assert resolve(Recipe(steps=1), image_set(10_000, 28, 28), False).batch_size == 32


def test_patch_fields_are_refused_by_the_name_they_have_in_a_recipe():
    for fields, message in (
        ({"patch_histogram_strength": 1.5}, r"`patch_histogram_strength` must lie in \[0, 1\)"),
        ({"patch_primitive_ranges": {"rotate": 5}}, r"`patch_primitive_ranges` must give \(low, high\) for 'rotate'"),
    ):
        with pytest.raises(InputError, match=message):
            resolve(Recipe(steps=1, **fields), image_set(100, 28, 28), False)


def test_epochs_end_with_a_whole_update():
    recipe = resolve(Recipe(epochs=3, batch_size=15, accumulate=4), image_set(105, 28, 28), False)
    assert recipe.steps == 20  # of 21


def test_a_processor_is_given_minutes_and_an_accelerator_epochs():
    asked = Recipe(epochs=3, minutes=AUTO, batch_size=10)
    found = [resolve(asked, image_set(105, 28, 28), accelerator) for accelerator in (False, True)]
    assert [(one.steps, one.minutes) for one in found] == [(30, 15), (30, None)]


def test_epochs_become_steps():
    recipe = resolve(Recipe(epochs=3, batch_size=10), image_set(105, 28, 28), False)
    assert (recipe.steps, recipe.epochs) == (30, None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"patch_size": 29, "stride": 4, "crop": 28},
            "`patch_size` must not exceed the image height of 28 px",
        ),
        ({"patch_size": 12, "stride": 5, "crop": 28}, "`stride` must divide .* 1 px at the edge are lost"),
        ({"crop": 32, "patch_size": 12, "stride": 4}, "`crop` must not exceed .* 28 px. Received: crop=32"),
        ({"batch_size": 101}, "`batch_size` must not exceed the number of images, 100. Received: batch_size=101"),
        ({"directions": ("north",)}, "`directions` must be distinct names out of"),
        ({"offsets": (2, 5)}, r"`offsets` must lie in \[1, 4\]"),
    ],
)
def test_refuses_a_geometry_that_does_not_hold(fields, message):
    with pytest.raises(InputError, match=message):
        resolve(Recipe(steps=1, **fields), image_set(100, 28, 28), False)

import dataclasses

import keras_tuner
import numpy as np
import pytest

from cpc_keras.config.recipe import Recipe
from cpc_keras.config.resolve import resolve
from cpc_keras.data.image_set import from_arrays
from cpc_keras.tuning.pretraining import PretrainingHyperModel
from cpc_keras.tuning.racing import RacingHyperModel

RECIPE = Recipe(
    steps=10,
    crop=32,
    patch_size=12,
    stride=4,
    stem="medium",
    precision="float32",
    batch_size=4,
    patch_color_distortion=0.8,
    patch_flip=0.3,
)


@pytest.fixture
def searched(photographs, tmp_path):
    """Function from changes of the recipe to a hypermodel on pieces of photographs."""
    pieces = np.stack([photographs[i % 2][32 * i : 32 * i + 32, :32] for i in range(12)])
    images = from_arrays(pieces, np.arange(12) % 2)

    def make(**changes):
        recipe = resolve(dataclasses.replace(RECIPE, **changes), images)
        return PretrainingHyperModel(recipe, images, images.subset(np.arange(8)), images, 10, tmp_path)

    return make


@pytest.mark.parametrize("changes", [{}, {"patch_size": 4, "offsets": (3,)}, {"patch_size": 24, "offsets": (1,)}])
def test_the_default_is_the_recipe(searched, changes):
    hypermodel = searched(**changes)
    assert hypermodel.asked(hypermodel.setting(keras_tuner.HyperParameters())) == hypermodel.recipe


def test_patches_keep_to_the_stride(searched):
    hp = keras_tuner.HyperParameters()
    searched().setting(hp)
    (sizes,) = (one.values for one in hp.space if one.name == "patch_size")
    assert sizes == [12, 8, 16, 20]


def test_what_does_not_fit_fails_the_trial_alone(searched):
    hypermodel = searched()
    hp = keras_tuner.HyperParameters()
    hypermodel.setting(hp)
    hp.values |= {"patch_size": 20, "offsets": "1,2,3"}
    assert hypermodel.build(hp).built
    hypermodel.recipe = dataclasses.replace(hypermodel.recipe, crop=28)  # offsets of 3 do not fit three patches
    with pytest.raises(keras_tuner.errors.FailedTrialError, match="`offsets`"):
        hypermodel.build(hp)


def test_all_of_the_coarse_space_are_different_settings(searched):
    hypermodel = searched()
    hp = hypermodel.coarse_space()
    settings = []
    for distortion in (0.8, 0.0, 0.5, 1.0):
        for rate in (1.0, 0.4, 2.5):
            hp.values |= {"patch_color_distortion": distortion, "rate": rate}
            settings.append(str(hypermodel.setting(hp)))
    assert len(set(settings)) == 12


def test_a_search_that_does_not_say_how_it_predicts_cannot_be_made(tmp_path):
    class Nothing(RacingHyperModel):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing("nothing", tmp_path, 1)

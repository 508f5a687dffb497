import numpy as np
import pytest

from cpc_keras.config.recipe import Recipe
from cpc_keras.data.image_set import from_arrays
from cpc_keras.errors import InputError
from cpc_keras.evaluation.run_labels import online_probe_ids
from cpc_keras.pretraining.online_probe import OnlineProbe, open_probe_images


def test_score_follows_the_encoder_and_leaves_it_alone(small_cpc, photographs):
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    corners = rng.integers(0, 390, (40, 2))
    pictures = [photographs[label][y : y + 28, x : x + 28] for label, (y, x) in zip(labels, corners, strict=True)]
    model = small_cpc(channels=3)
    model.build((None, 28, 28, 3))
    model.compile("adam")
    before = [np.array(weight) for weight in model.weights]
    probe = OnlineProbe(model, from_arrays(np.stack(pictures), labels), crop=28)
    first = probe.score()
    assert 0.5 < first <= 1.0  # sky and flower differ even under random weights
    assert probe.score() == first
    assert not set(probe.train) & set(probe.test)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)
    for weight in model.encoder.weights:
        weight.assign(np.zeros(weight.shape))
    assert probe.score() == 0.5


def test_a_recipe_without_one_has_none_and_bad_ones_are_refused(photo_folder, photo_classes):
    assert open_probe_images(Recipe(steps=1)) is None
    assert online_probe_ids(Recipe(steps=1)) == frozenset()
    recipe = {"steps": 1, "channels": 3, "short_side": 32}
    with pytest.raises(InputError, match="`online_probe` must have labels"):
        open_probe_images(Recipe(online_probe=f"dir:{photo_folder}", **recipe))
    with pytest.raises(InputError, match="`online_probe` must have .* 20 images. Received: .* with 16 in 2 classes"):
        open_probe_images(Recipe(online_probe=f"classes:{photo_classes}", **recipe))


def test_its_images_are_known_without_being_read(photo_classes):
    assert len(online_probe_ids(Recipe(online_probe=f"classes:{photo_classes}", steps=1))) == 16

import keras
import numpy as np
import pytest

from cpc_keras.layers import PatchAugmentation


@pytest.fixture
def patches():
    return np.random.default_rng(0).uniform(size=(3, 4, 5, 6, 6, 3)).astype("float32")


def test_changes_nothing_outside_training(patches):
    layer = PatchAugmentation(1.0, 0.5, 0.5, 1.0, seed=1)
    np.testing.assert_array_equal(layer(patches, training=False), patches)


def test_flip_mirrors_left_to_right(patches):
    flipped = PatchAugmentation(flip=1.0, seed=1)(patches, training=True)
    np.testing.assert_array_equal(flipped, patches[:, :, :, :, ::-1])


def test_flip_is_drawn_for_each_patch(patches):
    out = np.asarray(PatchAugmentation(flip=0.5, seed=1)(patches, training=True))
    changed = (out != patches).any(axis=(3, 4, 5))
    assert 0.25 < changed.mean() < 0.75
    np.testing.assert_array_equal(out[changed], patches[changed][:, :, ::-1])


def test_brightness_adds_one_value_a_patch(patches):
    out = np.asarray(PatchAugmentation(brightness=0.3, seed=1)(patches, training=True))
    added = out - patches
    np.testing.assert_allclose(added, np.broadcast_to(added[..., :1, :1, :1], added.shape), atol=1e-6)
    assert np.abs(added).max() <= 0.3 + 1e-6
    assert len(np.unique(added[..., 0, 0, 0].round(5))) == 3 * 4 * 5


def test_contrast_scales_around_the_patch_mean(patches):
    out = np.asarray(PatchAugmentation(contrast=0.5, seed=1)(patches, training=True))
    axes = (3, 4, 5)
    np.testing.assert_allclose(out.mean(axis=axes), patches.mean(axis=axes), atol=1e-5)
    factor = out.std(axis=axes) / patches.std(axis=axes)
    assert 0.5 - 1e-5 <= factor.min() < factor.max() <= 1.5 + 1e-5


def test_colour_dropping_keeps_one_channel(patches):
    out = np.asarray(PatchAugmentation(colour_dropping=1.0, seed=1)(patches, training=True))
    np.testing.assert_array_equal(out[..., 0], out[..., 1])
    np.testing.assert_array_equal(out[..., 0], out[..., 2])
    kept = [(out[..., :1] == patches[..., c : c + 1]).all(axis=(3, 4, 5)) for c in range(3)]
    assert np.all(np.sum(kept, axis=0) == 1)
    assert all(one.any() for one in kept)


def test_colour_dropping_leaves_grey_patches(patches):
    grey = patches[..., :1]
    np.testing.assert_array_equal(PatchAugmentation(colour_dropping=1.0)(grey, training=True), grey)


def test_same_seed_draws_the_same_eagerly_and_in_a_graph(patches):
    import tensorflow as tf

    def build():
        return PatchAugmentation(0.5, 0.2, 0.4, 0.5, seed=keras.random.SeedGenerator(5))

    graph = tf.function(build().__call__)
    eager = build()
    first = eager(patches, training=True)
    np.testing.assert_allclose(first, graph(patches, training=True), atol=1e-6)
    assert np.abs(first - eager(patches, training=True)).max() > 0.01


@pytest.mark.parametrize("name", ["flip", "brightness", "contrast", "colour_dropping"])
def test_refuses_values_outside_the_unit_interval(name):
    with pytest.raises(ValueError, match=rf"`{name}` must lie in \[0, 1\]. Received: {name}=1.5"):
        PatchAugmentation(**{name: 1.5})

import keras
import numpy as np
import pytest

from cpc_keras.data.image_set import ImageSet
from cpc_keras.evaluation.supervised import SupervisedBaseline, smoothed_crossentropy
from cpc_keras.models import ResNet


@pytest.fixture
def images(photographs):
    """Sky against flower: pieces of two photographs, told apart by a small network."""
    pictures = [photographs[i % 2][10 * (i // 2) : 10 * (i // 2) + 24, 40:64] for i in range(24)]
    sizes = np.tile([24, 24, 3], (24, 1))
    return ImageSet(
        "test", "all", [str(i) for i in range(24)], pictures.__getitem__, sizes, np.arange(24) % 2, ("a", "b")
    )


@pytest.fixture
def baseline():
    def build():
        return ResNet((8,), (1,), stem="medium", input_shape=(None, None, 3), include_top=True, classes=2)

    return SupervisedBaseline(
        build, crop=24, learning_rates=(1e-6, 1e-2), weight_decays=(1e-3,), folds=2, steps=lambda count: 25
    )


@pytest.mark.slow
def test_search_finds_the_rate_that_learns(baseline, images):
    setting, trials, accuracy = baseline.search(images)
    assert setting == {"learning_rate": 1e-2, "weight_decay": 1e-3}
    assert trials == 2
    assert accuracy > 0.8


@pytest.mark.slow
def test_same_seed_trains_the_same_from_new_weights(baseline, images):
    setting = {"learning_rate": 1e-2, "weight_decay": 1e-3}
    first = baseline.fit(images, setting, seed=1).predict_proba(images)
    other = baseline.fit(images, setting, seed=2).predict_proba(images)
    again = baseline.fit(images, setting, seed=1).predict_proba(images)
    np.testing.assert_allclose(first, again, atol=1e-5)
    assert np.abs(first - other).max() > 1e-3


def test_smoothing_equals_keras_own():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(5), 7).astype("float32")
    labels = np.arange(7) % 5
    peer = keras.losses.CategoricalCrossentropy(label_smoothing=0.1, reduction=None)
    expected = peer(np.eye(5, dtype="float32")[labels], probabilities)
    np.testing.assert_allclose(smoothed_crossentropy(labels, probabilities), expected, rtol=1e-5)

import numpy as np
import pytest

from cpc_keras.evaluation.prototype import PrototypeProbe


@pytest.fixture
def case():
    """Ten classes in forty dimensions, of which a hundred features are noise; three labels a class, and a test part."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(10, 40))
    labels = np.repeat(np.arange(10), 53)
    values = np.concatenate([centers[labels], np.zeros((530, 100))], axis=1) + rng.normal(size=(530, 140))
    train = np.arange(530) % 53 < 3
    return values[train], labels[train], values[~train], labels[~train]


def test_without_shrinkage_it_is_the_nearest_mean(case):
    values, labels, others, _ = case
    probe = PrototypeProbe(shrinkages=(0.0,)).fit({"p": values}, labels)
    scaled, asked = ((part - values.mean(axis=0)) / (values.std(axis=0) + 1e-6) for part in (values, others))
    means = np.stack([scaled[labels == label].mean(axis=0) for label in range(10)])
    distances = ((asked[:, None] - means) ** 2).sum(axis=2)
    np.testing.assert_array_equal(probe.predict({"p": others}), distances.argmin(axis=1))


def test_shrinkage_draws_all_means_to_their_own_mean(case):
    values, labels, *_ = case
    plain, half = (PrototypeProbe(shrinkages=(one,)).fit({"p": values}, labels).classifier_ for one in (0.0, 0.5))
    common = plain.prototypes_.mean(axis=0)
    np.testing.assert_allclose(half.prototypes_, (plain.prototypes_ + common) / 2, atol=1e-9)


def test_chooses_its_shrinkage_inside_the_labels(case):
    values, labels, others, truth = case
    probe = PrototypeProbe().fit({"p": values}, labels)
    assert probe.trials_ == 4 and probe.selected_["shrinkage"] in probe.shrinkages
    assert probe.score({"p": others}, truth) > 0.8


def test_a_rare_class_is_as_near_as_any_other(case):
    """Means are of classes, and so is their common mean: numbers of labels do not count."""
    values, labels, others, _ = case
    probe = PrototypeProbe(shrinkages=(0.5,))
    once = probe.fit({"p": values}, labels, {"p": others}).predict({"p": others})
    often = np.concatenate([np.arange(30), np.repeat(np.arange(3), 20)])
    again = probe.fit({"p": values[often]}, labels[often], {"p": others}).predict({"p": others})
    assert (once == again).mean() > 0.99

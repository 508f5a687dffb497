import numpy as np
import pytest
from sklearn.datasets import load_digits

from cpc_keras.graph.neighbors import nearest
from cpc_keras.graph.space import Space


@pytest.fixture(scope="module")
def digits():
    found = load_digits()
    return found.data.astype("float32"), found.target


def test_directions_are_independent_and_half_whitened(digits):
    features, _ = digits
    vectors = Space(width=10).fit(features).vectors(features)
    covariance = np.cov(vectors.T.astype("float64"))
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0.0, atol=1e-3)
    scaled = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    variances = np.linalg.svd(scaled.astype("float64"), compute_uv=False)[:10] ** 2 / (len(features) - 1)
    np.testing.assert_allclose(np.diag(covariance), np.sqrt(variances), rtol=1e-3)


def test_many_images_with_more_features_yet_have_the_same_directions():
    features = np.random.default_rng(0).normal(size=(600, 700)) * np.geomspace(10, 1, 700)
    vectors = Space().fit(features, (features.mean(axis=0), 1.0)).vectors(features)
    variances = np.linalg.svd(features - features.mean(axis=0), compute_uv=False)[:128] ** 2 / 599
    np.testing.assert_allclose(vectors.var(axis=0, ddof=1), np.sqrt(variances), rtol=1e-3)


def test_neighbours_in_it_are_of_the_same_class_more_often_than_in_the_features(digits):
    features, labels = digits

    def share(vectors):
        positions, _ = nearest(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), 10)
        return (labels[positions] == labels[:, None]).mean()

    noise = 30 * np.random.default_rng(0).normal(size=(len(features), 1)).astype("float32")
    noisy = np.concatenate([features, np.repeat(noise, 40, axis=1)], axis=1)
    assert share(Space(width=32).fit(noisy).vectors(noisy)) > share(noisy - noisy.mean(axis=0)) + 0.03


def test_fewer_images_or_features_than_directions(digits):
    features, _ = digits
    few = Space().fit(features[:5]).unit_vectors(features[:7])
    assert few.shape == (7, 5) and np.isfinite(few).all()
    constant = Space().fit(np.ones((6, 3))).vectors(np.ones((2, 3)))
    assert np.isfinite(constant).all()

import numpy as np
import pytest
from sklearn.datasets import load_digits

from cpc_keras.graph import neighbors
from cpc_keras.graph.neighbors import are_copies, nearest


@pytest.fixture(scope="module")
def vectors():
    """1,797 scanned digits as vectors of length 1."""
    values = load_digits().data.astype("float32") - 5
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_neighbours_are_those_of_all_pairs(vectors):
    positions, similarities = nearest(vectors, 5)
    pairs = vectors @ vectors.T
    np.fill_diagonal(pairs, -np.inf)
    np.testing.assert_allclose(similarities, -np.sort(-pairs, axis=1)[:, :5], atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(pairs, positions, axis=1), similarities, atol=1e-5)


def test_queries_may_find_themselves(vectors):
    positions, similarities = nearest(vectors, 3, queries=vectors[:7])
    assert positions.shape == (7, 3)
    np.testing.assert_array_equal(positions[:, 0], np.arange(7))
    np.testing.assert_allclose(similarities[:, 0], 1.0, atol=1e-5)


def test_copies_are_neighbours_of_each_other_and_none_is_its_own():
    vectors = np.tile([[1.0, 0.0]], (6, 1)).astype("float32")
    positions, similarities = nearest(vectors, 3)
    assert not (positions == np.arange(6)[:, None]).any()
    np.testing.assert_array_equal(similarities, 1.0)


def test_there_are_no_more_neighbours_than_images(vectors):
    assert nearest(vectors[:4], 10)[0].shape == (4, 3)
    assert nearest(vectors[:4], 10, queries=vectors[:1])[0].shape == (1, 4)


def test_many_vectors_are_searched_in_parts_and_the_same_seed_finds_the_same(vectors, monkeypatch):
    exact, _ = nearest(vectors, 10)
    monkeypatch.setattr(neighbors, "EXACT", 1000)
    found, similarities = nearest(vectors, 10, seed=3)
    shared = np.mean([len(np.intersect1d(one, other)) for one, other in zip(exact, found, strict=True)]) / 10
    assert shared > 0.95
    again = nearest(vectors, 10, seed=3)
    np.testing.assert_array_equal(found, again[0])
    np.testing.assert_array_equal(similarities, again[1])


def test_copies_are_told_from_what_is_merely_alike():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(50, 8)) + 100
    assert are_copies(features, features[10:12] + 1e-6).nonzero()[0].tolist() == [10, 11]
    assert not are_copies(features, features[10:12] + 0.01).any()
    assert not are_copies(features, features[:0]).any()

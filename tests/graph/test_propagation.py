import numpy as np
import pytest

from cpc_keras.graph.propagation import neighbor_weights, propagate, transition_matrix, with_shares


@pytest.fixture
def case():
    """A graph of twelve images, what a classifier says of them, and the labels of the first three."""
    rng = np.random.default_rng(0)
    positions = np.stack([rng.choice(np.delete(np.arange(12), one), 4, replace=False) for one in range(12)])
    similarities = -np.sort(-rng.uniform(0.2, 1.0, (12, 4)), axis=1)
    start = rng.dirichlet(np.ones(3), 12)
    known = np.array([[1.0, 0, 0], [np.nan] * 3, [0, 0, 1.0]])
    return positions, similarities, start, known


def loop(positions, weights, start, known, alpha, steps):
    """An independent reading of the iteration."""
    begin = [known[i] if i < len(known) and not np.isnan(known[i]).any() else start[i] for i in range(len(start))]
    now = list(begin)
    for _ in range(steps):
        spread = [
            alpha * sum(w * now[j] for w, j in zip(weights[i], positions[i], strict=True)) + (1 - alpha) * begin[i]
            for i in range(len(now))
        ]
        now = [begin[i] if i < len(known) and not np.isnan(known[i]).any() else spread[i] for i in range(len(now))]
    return np.array(now)


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_equals_a_loop(case, steps):
    positions, similarities, start, known = case
    graph = transition_matrix(positions, similarities, 4.0)
    weights = neighbor_weights(similarities, 4.0)
    found = propagate(graph, start, known, 0.8, steps)
    np.testing.assert_allclose(found, loop(positions, weights, start, known, 0.8, steps), atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)


def test_classifiers_side_by_side_do_not_mix(case):
    positions, similarities, start, known = case
    graph = transition_matrix(positions, similarities)
    other_start, other_known = start[::-1], np.roll(known, 1, axis=0)
    both = propagate(graph, np.hstack([start, other_start]), np.hstack([known, other_known]))
    np.testing.assert_allclose(both[:, :3], propagate(graph, start, known), atol=1e-6)
    np.testing.assert_allclose(both[:, 3:], propagate(graph, other_start, other_known), atol=1e-6)


def test_weights_fall_with_the_distance_and_copies_are_no_trouble():
    weights = neighbor_weights(np.array([[0.9, 0.7, 0.5], [1.0, 1.0, 1.0]]))
    assert weights[0, 0] > weights[0, 1] > weights[0, 2]
    np.testing.assert_allclose(weights[0, 1] / weights[0, 2], np.exp(-4 * (0.6 - 1.0) / 1.0))
    np.testing.assert_allclose(weights[1], 1 / 3)


def test_shares_are_nearly_kept_and_a_class_of_nothing_stays_nothing():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.4, 0.2, 0.1], 500)
    found = with_shares(probabilities, np.full(3, 1 / 3))
    before, after = (np.abs(part.mean(axis=0) - 1 / 3).max() for part in (probabilities, found))
    assert after < 0.7 * before
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    without = np.insert(probabilities, 1, 0.0, axis=1)
    assert np.all(with_shares(without, np.full(4, 0.25))[:, 1] == 0.0)
    np.testing.assert_allclose(with_shares(probabilities), probabilities)

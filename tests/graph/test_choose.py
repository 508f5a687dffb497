import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from cpc_keras.graph.choose import SAME, WAYS, choose, typicality
from cpc_keras.graph.space import Space


@pytest.fixture(scope="module")
def digits():
    """Unit vectors of 1,797 scanned digits, and what they are."""
    found = load_digits()
    return Space(width=32).fit(found.data).unit_vectors(found.data), found.target


def positions(chosen):
    return np.array([one.position for one in chosen])


@pytest.mark.parametrize("by", WAYS)
def test_chooses_as_many_as_asked_each_once_and_the_same_again(digits, by):
    vectors, labels = digits
    already = np.arange(30)
    said = LogisticRegression().fit(vectors[already], labels[already]).predict_proba(vectors)
    chosen = choose(vectors, 25, by, already, said, seed=4)
    assert len(set(positions(chosen))) == 25
    assert not set(positions(chosen)) & set(already)
    assert chosen == choose(vectors, 25, by, already, said, seed=4)
    assert all(one.why for one in chosen)


def test_typical_images_teach_more_than_any(digits):
    vectors, labels = digits

    def score(by, seed):
        few = positions(choose(vectors, 20, by, seed=seed))
        return LogisticRegression(C=10).fit(vectors[few], labels[few]).score(vectors, labels)

    typical, drawn = (np.array([score(by, seed) for seed in range(5)]) for by in ("typical", "random"))
    assert typical.mean() > drawn.mean() + 0.1
    assert typical.min() > drawn.mean()


def test_the_typical_image_of_a_cluster_is_nearest_to_its_like():
    angles = np.concatenate([np.linspace(0, 0.4, 30) ** 2, [2.0, 2.1, 2.2]])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")
    chosen = choose(vectors, 2)
    assert [one.cluster for one in chosen] == [1, 2]
    assert chosen[0].position < 15 and chosen[1].position == 31
    assert typicality(vectors[:1]).tolist() == [1.0]


def test_what_is_labelled_covers_its_neighbourhood(digits):
    """Forty labels of five digits: the next ones go mostly to the other five."""
    vectors, labels = digits
    already = np.flatnonzero(labels < 5)[:40]

    def share(by):
        chosen = [positions(choose(vectors, 10, by, already, seed=seed)) for seed in range(5)]
        return (labels[np.concatenate(chosen)] >= 5).mean()

    assert share("typical") > share("random") + 0.15


@pytest.mark.parametrize("by", ["typical", "diverse", "uncertain"])
def test_near_copies_are_never_both_chosen(digits, by):
    vectors, labels = digits
    few = vectors[:40]
    nudge = 1e-3 * np.random.default_rng(0).normal(size=few.shape).astype("float32")
    copies = few + nudge
    copies /= np.linalg.norm(copies, axis=1, keepdims=True)
    everything = np.concatenate([few, copies])
    said = LogisticRegression().fit(few, labels[:40]).predict_proba(everything)
    found = positions(choose(everything, 60, by, already=[0], probabilities=said))
    taken = everything[np.append(found, 0)]
    pairs = taken @ taken.T - 2 * np.eye(len(taken))
    assert pairs.max() < SAME
    assert len(found) <= 39


def test_uncertain_looks_where_a_classifier_doubts(digits):
    vectors, labels = digits
    already = np.arange(100)
    said = LogisticRegression(C=10).fit(vectors[already], labels[already]).predict_proba(vectors)
    margins = np.diff(np.sort(said, axis=1)[:, -2:], axis=1)[:, 0]
    found = positions(choose(vectors, 20, "uncertain", already, said))
    assert margins[found].max() < np.quantile(margins[100:], 0.15)
    assert len(np.unique(labels[found])) >= 6


def test_diverse_is_farthest_first():
    angles = np.array([0.0, 0.1, 0.2, 1.0, 2.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")
    assert positions(choose(vectors, 2, "diverse", already=[0])).tolist() == [4, 3]


def test_there_is_no_more_than_there_is(digits):
    vectors, _ = digits
    assert len(choose(vectors[:6], 10, "random", already=[1, 2])) == 4
    assert len(choose(vectors[:6], 10)) <= 6
    assert choose(vectors[:3], 5, already=[0, 1, 2]) == []

import numpy as np
import pytest

from cpc_keras.evaluation.holdout import NETWORKS, PROBES, SEARCHES, Holdout, among_used, inner_splits


@pytest.mark.parametrize(("classes", "each"), [(10, 5), (120, 2), (1000, 2), (700, 2)])
def test_every_class_is_trained_on_and_held_out(classes, each):
    labels = np.repeat(np.arange(classes), each)
    for train, held_out in inner_splits(labels, folds=2, single_above=200):
        assert set(labels[train]) == set(labels[held_out]) == set(range(classes))
        assert not set(train) & set(held_out)


def test_of_many_labels_a_third_is_held_out():
    ((train, held_out),) = inner_splits(np.arange(900) % 3, folds=5, single_above=200)
    assert (len(train), len(held_out)) == (600, 300)


def test_beyond_the_most_to_train_on_all_others_are_held_out():
    ((train, held_out),) = inner_splits(np.arange(2600) % 3, folds=5, single_above=200, most_train=600)
    assert (len(train), len(held_out)) == (600, 2000)
    ((train, held_out),) = inner_splits(np.arange(600) % 3, folds=5, single_above=200, most_train=600)
    assert (len(train), len(held_out)) == (400, 200)


def test_a_class_of_one_label_is_trained_on_and_never_held_out():
    labels = np.array([0] * 50 + [1] * 50 + [2])
    splits = inner_splits(labels, folds=5)
    assert len(splits) == 5
    assert all(100 in train and 100 not in held_out for train, held_out in splits)


def test_without_two_classes_of_two_nothing_is_held_out():
    assert inner_splits([0, 1, 2], folds=5) == []
    assert inner_splits([0, 0, 0, 1], folds=5) == []


@pytest.mark.parametrize(
    ("rule", "count", "splits", "train", "held_out"),
    [
        (PROBES, 20, 20, 16, 4),  # five folds, four times
        (PROBES, 150, 5, 120, 30),
        (PROBES, 300, 3, 200, 100),
        (PROBES, 9000, 1, 1333, 667),  # of two thousand
        (NETWORKS, 100, 2, 50, 50),
        (NETWORKS, 600, 1, 400, 200),
        (NETWORKS, 9000, 1, 400, 2000),
        (SEARCHES, 100, 10, 80, 20),
        (SEARCHES, 200, 5, 160, 40),
        (SEARCHES, 3000, 1, 2000, 1000),
    ],
)
def test_the_three_rules(rule, count, splits, train, held_out):
    found = rule.splits(np.arange(count) % 2, seed=1)
    assert [(len(one), len(other)) for one, other in found] == [(train, held_out)] * splits
    assert all(not set(one) & set(other) for one, other in found)


def test_as_many_labels_a_class_as_a_rule_needs():
    """Three to train on, however many classes there are."""
    assert (NETWORKS.train_at_most(10), NETWORKS.used_at_most(10)) == (400, 2400)
    assert (NETWORKS.train_at_most(1000), NETWORKS.used_at_most(1000)) == (3000, 5000)
    assert (PROBES.train_at_most(1000), PROBES.used_at_most(1000)) == (None, 3000)
    assert Holdout(folds=5).used_at_most(10) is None


def test_splits_among_the_labels_that_they_use():
    labels = np.arange(9000) % 2
    splits = PROBES.splits(labels, seed=3)
    used, among = among_used(splits)
    assert len(used) == 2000
    for whole, part in zip(splits[0], among[0], strict=True):
        np.testing.assert_array_equal(whole, used[part])

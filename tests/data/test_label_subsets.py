import numpy as np
import pytest

from cpc_keras.data.label_subsets import choose_labels, nested_subsets
from cpc_keras.errors import InputError

LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [40, 60, 100]))


def test_are_stratified_and_nested():
    subsets = nested_subsets(LABELS, seed=1, labels_per_class=(2, 5, 20), fractions=(0.1, 0.5, 1.0))
    for number in (2, 5, 20):
        assert np.bincount(LABELS[subsets["per_class", number]]).tolist() == [number] * 3
    assert np.bincount(LABELS[subsets["fraction", 0.1]]).tolist() == [4, 6, 10]
    assert subsets["fraction", 1.0].tolist() == list(range(200))
    for small, large in ((("per_class", 2), ("per_class", 5)), (("fraction", 0.1), ("fraction", 0.5))):
        assert set(subsets[small]) < set(subsets[large])


def test_depend_on_the_seed_alone():
    one, same, other = (nested_subsets(LABELS, seed, labels_per_class=(5,)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one["per_class", 5], same["per_class", 5])
    assert set(one["per_class", 5]) != set(other["per_class", 5])


def test_every_class_has_a_label_even_when_rare():
    labels = np.repeat([0, 1], [95, 5])
    subset = nested_subsets(labels, 0, fractions=(0.05,))["fraction", 0.05]
    assert np.bincount(labels[subset]).tolist() == [5, 1]


def test_refusals():
    with pytest.raises(InputError, match=r"`labels_per_class` must lie in \[1, 40\].*labels_per_class=41"):
        nested_subsets(LABELS, 0, labels_per_class=(41,))
    with pytest.raises(InputError, match="`fractions` must give at least one label for each of the 3 classes"):
        nested_subsets(LABELS, 0, fractions=(0.01,))


def test_a_part_of_many_labels_keeps_classes_in_proportion():
    labels = np.repeat([0, 1, 2], [500, 300, 200])
    chosen = choose_labels(labels, most=100, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [50, 30, 20]
    assert chosen.tolist() == choose_labels(labels, most=100, seed=0).tolist()
    assert chosen.tolist() != choose_labels(labels, most=100, seed=1).tolist()
    with_rare = np.append(labels, 3)  # a class of one cannot be drawn in proportion
    assert len(choose_labels(with_rare, most=100, seed=0)) == 100

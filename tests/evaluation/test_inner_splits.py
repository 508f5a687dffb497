import numpy as np
import pytest

from cpc_keras.evaluation.inner_splits import inner_splits


@pytest.mark.parametrize(("classes", "each"), [(10, 5), (120, 2), (1000, 2), (700, 2)])
def test_every_class_is_learnt_and_judged(classes, each):
    labels = np.repeat(np.arange(classes), each)
    for learnt, judged in inner_splits(labels, folds=2, single_above=200):
        assert set(labels[learnt]) == set(labels[judged]) == set(range(classes))
        assert not set(learnt) & set(judged)


def test_many_labels_are_judged_on_a_third():
    ((learnt, judged),) = inner_splits(np.arange(900) % 3, folds=5, single_above=200)
    assert (len(learnt), len(judged)) == (600, 300)


def test_beyond_what_is_learnt_from_all_others_judge():
    ((learnt, judged),) = inner_splits(np.arange(2600) % 3, folds=5, single_above=200, most_learnt=600)
    assert (len(learnt), len(judged)) == (600, 2000)
    ((learnt, judged),) = inner_splits(np.arange(600) % 3, folds=5, single_above=200, most_learnt=600)
    assert (len(learnt), len(judged)) == (400, 200)


def test_a_class_of_one_label_is_learnt_and_never_judged():
    labels = np.array([0] * 50 + [1] * 50 + [2])
    splits = inner_splits(labels, folds=5)
    assert len(splits) == 5
    assert all(100 in learnt and 100 not in judged for learnt, judged in splits)


def test_without_two_classes_of_two_nothing_is_judged():
    assert inner_splits([0, 1, 2], folds=5) == []
    assert inner_splits([0, 0, 0, 1], folds=5) == []

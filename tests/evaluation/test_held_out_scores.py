import numpy as np

from cpc_keras.evaluation.held_out_scores import held_out_splits


def test_held_out_labels_are_not_trained_on():
    labels = np.repeat([0, 1, 2], [5, 6, 7])
    for train, held_out in held_out_splits(labels, seed=0):
        assert not set(train) & set(held_out)
        assert sorted([*train, *held_out]) == list(range(18))
    assert len(held_out_splits(np.arange(3000) % 3, seed=0)) == 1

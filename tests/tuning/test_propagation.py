"""Searches for how labels are propagated, on scanned digits."""

import keras
import keras_tuner
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from cpc_keras.errors import InputError
from cpc_keras.evaluation.propagated import PropagatedProbe
from cpc_keras.tuning import PropagationHyperModel

SUBSET = np.arange(0, 40)


@pytest.fixture(scope="module")
def digits():
    """`(images, labels)` to learn from, 400, and to test on, 400; grey images of 8 px."""
    found = load_digits()
    images = (found.images[..., None] / 16).astype("float32")
    first, rest, labels, others = train_test_split(images, found.target, train_size=400, random_state=0)
    return (first, labels), (rest[:400], others[:400])


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(16, 3, activation="relu")])


def test_no_other_label_reaches_a_trial(digits, encoder):
    (images, labels), _ = digits
    marked = np.where(np.arange(400) < 40, labels, (labels + 1) % 10)
    default = keras_tuner.HyperParameters()
    one, other = (
        PropagationHyperModel(encoder, (images, given), subset=SUBSET).figures(default) for given in (labels, marked)
    )
    assert one == other
    assert one["held_out"] >= 38 and 0.2 < one["balanced_accuracy"] < 1.0


def test_held_out_labels_are_hidden(digits, encoder):
    """What is said of a label while it is held out does not depend on it, or on those that are held out with it."""
    (images, labels), _ = digits
    changed = labels.copy()
    hypermodel = PropagationHyperModel(encoder, (images, labels), subset=SUBSET)
    setting = hypermodel.setting(keras_tuner.HyperParameters())
    ((positions, said),), weights = hypermodel.held_out_predictions(setting, 1.0)
    first = hypermodel._splits[0][1]
    changed[first[:2]] = changed[first[1::-1]]
    assert (changed != labels).any()
    other = PropagationHyperModel(encoder, (images, changed), subset=SUBSET)
    other._splits = hypermodel._splits
    ((again, told),), _ = other.held_out_predictions(setting, 1.0)
    np.testing.assert_array_equal(positions, again)
    np.testing.assert_allclose(said[: len(first)], told[: len(first)], atol=1e-5)
    layer = hypermodel.build(keras_tuner.HyperParameters())
    layer.set_weights(weights())
    assert layer.output_shape == (None, 10)


@pytest.mark.slow
def test_what_a_search_is_left_with_learns_and_classifies(digits, encoder, tmp_path):
    train, (images, truth) = digits
    hypermodel = PropagationHyperModel(encoder, train, labels_per_class=4, folder=tmp_path / "trials")
    tuner = keras_tuner.RandomSearch(
        hypermodel, objective=hypermodel.objective, max_trials=4, seed=1, directory=str(tmp_path)
    )
    tuner.search(verbose=0)
    assert hypermodel.computed == 4
    best = hypermodel.best(tuner)
    probe = hypermodel.refit(best)
    assert probe.selected_["alpha"] == hypermodel.setting(best)["alpha"]
    right = probe.predict_proba(hypermodel.inputs(images)).argmax(axis=1) == truth
    assert right.mean() > 0.75
    again = PropagationHyperModel(encoder, train, labels_per_class=4, folder=tmp_path / "trials")
    assert again.figures(best) == hypermodel.figures(best) and again.computed == 0


def test_labels_that_do_not_suffice_are_refused(digits, encoder):
    with pytest.raises(InputError, match="two classes of two labels each"):
        PropagationHyperModel(encoder, digits[0], subset=[0])
    with pytest.raises(InputError, match="one of them"):
        PropagationHyperModel(encoder, digits[0], subset=[0], fraction=0.1)


def test_fixed_arguments_fix(digits, encoder):
    hypermodel = PropagationHyperModel(encoder, digits[0], labels_per_class=4)
    hp = keras_tuner.HyperParameters()
    hp.Fixed("alpha", 0.5)
    hp.Fixed("neighbors", 5)
    probe = hypermodel.refit(hp)
    assert isinstance(probe, PropagatedProbe) and probe.trials_ == 2  # a linear probe and a propagation, one each
    assert probe.selected_["alpha"] == 0.5 and probe.neighbors_[0].shape == (400, 5)

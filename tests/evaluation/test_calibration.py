"""Temperature and threshold: what they do to labels that nobody fitted them by."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import balanced_accuracy_score

from cpc_keras.evaluation.calibration import Calibration, best_threshold, calibrate, fit_temperature
from cpc_keras.evaluation.probes import KNNProbe, LinearProbe
from cpc_keras.evaluation.scores import calibration_error, probability_scores


def drawn(count, classes, factor, seed=0):
    """Labels drawn from a softmax, and the probabilities of one whose logits are `factor` times as large."""
    rng = np.random.default_rng(seed)
    logits = 2.0 * rng.normal(size=(count, classes))
    labels = np.array([rng.choice(classes, p=p) for p in softmax(logits, axis=1)])
    return labels, softmax(factor * logits, axis=1)


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_is_the_factor_by_which_logits_are_too_large(classes, factor):
    labels, probabilities = drawn(4000, classes, factor)
    assert fit_temperature(labels, probabilities) == pytest.approx(factor, rel=0.1)


def test_it_is_the_best_of_a_grid():
    """The objective again, as a loop over labels and classes."""
    labels, probabilities = drawn(60, 3, 2.0)

    def loss(temperature):
        total = 0.0
        for label, row in zip(labels, np.log(probabilities) / temperature, strict=True):
            own = np.full(3, 1 / 62 / 2)
            own[label] = 61 / 62
            total -= own @ (row - np.log(np.exp(row).sum()))
        return total

    grid = np.geomspace(0.1, 10, 401)
    best = grid[np.argmin([loss(temperature) for temperature in grid])]
    assert fit_temperature(labels, probabilities) == pytest.approx(best, rel=0.02)


def test_a_few_labels_that_are_all_right_do_not_make_it_certain():
    probabilities = np.tile([0.6, 0.4], (10, 1))
    found = calibrate(np.zeros(10, int), probabilities)
    assert found.applied(probabilities)[0, 0] == pytest.approx(11 / 12, abs=1e-3)
    assert fit_temperature(np.zeros(40, int), np.tile([0.6, 0.4], (40, 1)), 10) == pytest.approx(found.temperature)


def test_labels_that_are_got_wrong_do_not_make_it_say_nothing():
    probabilities = np.tile([0.6, 0.4], (10, 1))
    found = calibrate(np.ones(10, int), probabilities)
    assert found.temperature == pytest.approx(10, rel=1e-3)
    assert found.applied(probabilities)[0, 0] > 0.505


def test_the_order_of_classes_stays_and_unknown_classes_stay_unlikely():
    _, known = drawn(500, 4, 1.0)
    probabilities = np.zeros((500, 6), "float32")
    columns = np.array([0, 2, 3, 5])
    probabilities[:, columns] = known
    for temperature in (0.3, 1.0, 5.0):
        applied = Calibration(temperature, columns=columns).applied(probabilities)
        np.testing.assert_array_equal(np.argsort(applied[:, columns]), np.argsort(known))
        np.testing.assert_allclose(applied.sum(axis=1), 1.0, atol=1e-6)
        assert (applied[:, [1, 4]] == 0.0).all()
        expected = known ** (1 / temperature) / (known ** (1 / temperature)).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(applied[:, columns], expected, atol=1e-6)
    assert Calibration().applied(probabilities) is probabilities


def test_the_threshold_is_the_best_of_all():
    rng = np.random.default_rng(3)
    is_second = rng.uniform(size=200) < 0.3
    probabilities = np.clip(rng.normal(0.2 + 0.2 * is_second, 0.1), 0, 1)
    found = best_threshold(is_second, probabilities)
    every = [balanced_accuracy_score(is_second, probabilities >= one) for one in np.linspace(0, 1, 2001)]
    assert balanced_accuracy_score(is_second, probabilities >= found) == pytest.approx(max(every))
    assert 0.2 < found < 0.4


@pytest.mark.parametrize(
    ("seconds", "probabilities", "expected"),
    [
        ([0, 0, 1, 1], [0.3, 0.4, 0.6, 0.9], 0.5),  # stays where none is better
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.9], 0.25),  # the middle
        ([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], 0.35),  # of two that are as good the nearer to 0.5
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], 0.5),
        ([1, 1, 1], [0.1, 0.2, 0.3], 0.5),  # one class alone
        ([1, 0], [0.1, 0.2], 0.5),  # the wrong way round: nothing is better than to say the same of all
    ],
)
def test_known_thresholds(seconds, probabilities, expected):
    assert best_threshold(np.array(seconds, bool), np.array(probabilities)) == pytest.approx(expected)


def test_with_nothing_held_out_all_stays_as_it_is():
    two, three = (calibrate(np.empty(0, int), np.empty((0, classes))) for classes in (2, 3))
    assert (two.temperature, two.threshold, two.held_out) == (1.0, 0.5, 0)
    assert (three.temperature, three.threshold) == (1.0, None)


@pytest.mark.parametrize(("probe", "most"), [(LinearProbe(Cs=(1.0,)), 0.6), (KNNProbe(neighbors=(1,)), 0.3)])
def test_probes_that_are_too_sure_become_less_so(probe, most):
    """Classes that overlap: on other images the error of calibration falls to a share, and nothing else changes."""
    rng = np.random.default_rng(0)

    def some(count):
        labels = np.arange(count) % 3
        return {"p": rng.normal(size=(count, 20)) + 1.2 * np.eye(3, 20)[labels]}, labels

    (features, labels), (others, truth) = some(90), some(3000)
    fitted = probe.fit(features, labels)
    held_out, said = fitted.held_out_
    assert set(held_out) == set(range(90)) and said.shape == (len(held_out), 3)
    calibration = calibrate(labels[held_out], said, 90, fitted.floor)
    before = fitted.predict_proba(others)
    after = calibration.applied(before)
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))
    assert calibration.temperature > 1 and calibration.held_out == 90
    assert calibration_error(truth, after) < most * calibration_error(truth, before)
    assert probability_scores(truth, after)["log_loss"] < probability_scores(truth, before)["log_loss"]


def test_what_was_held_out_was_not_learnt_from():
    """Labels at random: what is said of them while they are held out is no better than chance."""
    rng = np.random.default_rng(0)
    features, labels = {"p": rng.normal(size=(60, 100))}, np.arange(60) % 2
    fitted = LinearProbe(Cs=(1.0,)).fit(features, labels)
    held_out, said = fitted.held_out_
    assert fitted.score(features, labels) == 1.0
    assert 0.3 < (said.argmax(axis=1) == labels[held_out]).mean() < 0.7
    assert calibrate(labels[held_out], said, 60).temperature > 3


@pytest.mark.parametrize("classes", [2, 3])
def test_one_affine_layer_has_the_temperature_inside(classes):
    rng = np.random.default_rng(0)
    labels = np.arange(30) % classes
    features = {"p": rng.normal(size=(30, 8)) + np.eye(classes, 8)[labels]}
    fitted = LinearProbe().fit(features, labels)
    kernel, bias = fitted.affine(classes + 1, temperature=2.5)  # and a class that no label was seen of
    expected = Calibration(2.5).applied(fitted.predict_proba(features))
    said = softmax(features["p"] @ kernel + bias, axis=1)
    np.testing.assert_allclose(said[:, :classes], expected, atol=1e-6)
    assert said[:, classes].max() < 1e-6


def test_one_label_a_class_holds_none_out():
    fitted = LinearProbe().fit({"p": np.eye(3)}, np.arange(3))
    held_out, said = fitted.held_out_
    assert len(held_out) == 0 and said.shape == (0, 3)

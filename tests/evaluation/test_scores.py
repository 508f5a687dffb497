"""Figures of probabilities, against scikit-learn and against loops written from their definitions."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from cpc_keras.evaluation.scores import calibration_error, class_aucs, mean_auc, probability_scores


@pytest.fixture
def case():
    """Four classes, 300 images, probabilities that know something."""
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=300)
    logits = rng.normal(size=(300, 4)) + 1.5 * np.eye(4)[labels]
    return labels, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_the_auc_of_a_class_is_how_often_its_images_are_above_others(case):
    labels, probabilities = case
    for one, auc in enumerate(class_aucs(labels, probabilities)):
        own, others = probabilities[labels == one, one], probabilities[labels != one, one]
        pairs = (own[:, None] > others).mean() + 0.5 * (own[:, None] == others).mean()
        assert auc == pytest.approx(pairs)


def test_the_mean_auc_is_one_against_the_rest(case):
    labels, probabilities = case
    expected = roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    assert mean_auc(class_aucs(labels, probabilities)) == pytest.approx(expected)
    second = probabilities[:, 1] / probabilities[:, :2].sum(axis=1)
    binary = class_aucs(labels % 2, np.stack([1 - second, second], axis=1))
    assert mean_auc(binary) == pytest.approx(roc_auc_score(labels % 2, second))


def test_what_cannot_be_measured_is_left_out(case):
    labels, probabilities = case
    aucs = class_aucs(np.minimum(labels, 2), probabilities)
    assert np.isnan(aucs).tolist() == [False, False, False, True]
    assert mean_auc(aucs) == pytest.approx(aucs[:3].mean())
    assert mean_auc(class_aucs(np.zeros(300, int), probabilities)) is None
    broken = np.where(probabilities > 0.9, np.nan, probabilities)
    assert mean_auc(class_aucs(labels, broken)) is None
    assert probability_scores(labels, broken) == {"log_loss": None, "calibration_error": None}


def test_the_log_loss_is_that_of_scikit_learn(case):
    labels, probabilities = case
    assert probability_scores(labels, probabilities)["log_loss"] == pytest.approx(
        log_loss(labels, probabilities), abs=1e-4
    )
    never = np.eye(4)[(labels + 1) % 4]  # sure of something else
    assert probability_scores(labels, never)["log_loss"] == pytest.approx(np.log(1e6), rel=1e-4)


def test_the_calibration_error_is_the_published_one(case):
    """Equation 3 of Guo et al. 2017, as it is written there."""
    labels, probabilities = case
    sureness, said = probabilities.max(axis=1), probabilities.argmax(axis=1)
    expected = 0.0
    for m in range(1, 16):
        inside = [i for i in range(300) if (m - 1) / 15 < sureness[i] <= m / 15]
        if inside:
            accuracy = np.mean([said[i] == labels[i] for i in inside])
            expected += len(inside) / 300 * abs(accuracy - np.mean(sureness[inside]))
    assert calibration_error(labels, probabilities) == pytest.approx(expected)
    assert calibration_error(labels, np.eye(4)[labels]) == 0.0

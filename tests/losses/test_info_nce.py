import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.losses import info_nce
from cpc_keras.losses.info_nce import info_nce_and_accuracy


def paper_loss(predictions, targets, positives):
    """Equation 4 of van den Oord et al. 2018, read literally, in double precision."""
    total = 0.0
    for q in range(len(predictions)):
        scores = []
        for n in range(len(targets)):
            score = 0.0
            for d in range(predictions.shape[1]):
                score += float(predictions[q, d]) * float(targets[n, d])
            scores.append(score)
        total -= math.log(math.exp(scores[positives[q]]) / sum(math.exp(score) for score in scores))
    return total / len(predictions)


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    predictions = rng.normal(size=(12, 8)).astype("float32")
    targets = rng.normal(size=(20, 8)).astype("float32")
    return predictions, targets, rng.integers(0, 20, 12)


def test_equals_the_paper_loop(case):
    assert abs(float(info_nce(*case)) - paper_loss(*case)) < 1e-5


@pytest.mark.parametrize("candidates", [1, 7, 1600])
def test_equal_logits_give_ln_n(candidates):
    loss = info_nce(np.zeros((5, 4)), np.ones((candidates, 4)), np.zeros(5, "int32"))
    assert abs(float(loss) - math.log(candidates)) < 1e-5


def test_order_of_queries_and_candidates_does_not_matter(case):
    predictions, targets, positives = case
    rng = np.random.default_rng(1)
    queries, candidates = rng.permutation(12), rng.permutation(20)
    moved = np.argsort(candidates)[positives]
    shuffled = info_nce(predictions[queries], targets[candidates], moved[queries])
    assert abs(float(shuffled) - float(info_nce(*case))) < 1e-5


def test_large_logits_stay_finite():
    loss, accuracy = info_nce_and_accuracy(1e3 * np.eye(4), 1e3 * np.eye(4), np.arange(4))
    assert float(loss) == 0.0
    assert float(accuracy) == 1.0


def test_logits_are_float32_for_bfloat16_inputs(case):
    predictions, targets, positives = case
    narrow = [tf.cast(one, tf.bfloat16) for one in (predictions, targets)]
    loss = info_nce(*narrow, positives)
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    expected = paper_loss(*(np.asarray(tf.cast(one, tf.float32)) for one in narrow), positives)
    assert abs(float(loss) - expected) < 1e-5


def test_accuracy_counts_hits():
    predictions = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    targets = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert float(info_nce_and_accuracy(predictions, targets, np.array([0, 1, 1]))[1]) == pytest.approx(2 / 3)


def test_gradient_equals_finite_differences(case):
    predictions, targets, positives = case
    variable = tf.Variable(predictions)
    with tf.GradientTape() as tape:
        loss = info_nce(variable, targets, positives)
    gradient = tape.gradient(loss, variable).numpy()
    step = 1e-4
    for q, d in ((0, 0), (5, 3), (11, 7)):
        up, down = predictions.astype("float64"), predictions.astype("float64")
        up[q, d] += step
        down[q, d] -= step
        slope = (paper_loss(up, targets, positives) - paper_loss(down, targets, positives)) / (2 * step)
        assert abs(slope - gradient[q, d]) < 1e-5

"""Each loss beside a loop over images in NumPy, written from the equation."""

import numpy as np
import pytest
from keras import ops

from cpc_keras.semi_supervised import (
    annealing_threshold,
    entropy,
    exemplar_loss,
    fixmatch,
    given_label,
    pseudo_label,
    quarter_turns,
    rotation_loss,
    uda,
)
from cpc_keras.semi_supervised.divergence import kl_divergence


@pytest.fixture
def logits():
    """Of 64 images, five classes, from unsure to very sure: a first view and a second."""
    rng = np.random.default_rng(0)
    scale = np.geomspace(0.1, 30, 64)[:, None]
    return rng.normal(size=(2, 64, 5)) * scale


def softmax(row):
    powers = np.exp(row - row.max())
    return powers / powers.sum()


def agrees(found, expected):
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5, atol=1e-5)


def test_divergence(logits):
    expected = []
    for one, other in zip(*logits, strict=True):
        p, q = softmax(one), softmax(other)
        expected.append(sum(a * np.log(a / b) for a, b in zip(p, q, strict=True) if a > 0))
    found = np.asarray(kl_divergence(*logits))
    agrees(found, expected)
    assert found.min() >= 0
    agrees(kl_divergence(logits[0], logits[0]), np.zeros(64))
    far = np.array([[200.0, 0.0]]), np.array([[0.0, 200.0]])
    agrees(kl_divergence(*far), [200.0])  # no probability is rounded to 0


def test_entropy(logits):
    agrees(entropy(logits[0]), [-sum(p * np.log(p) for p in softmax(row) if p > 0) for row in logits[0]])


def test_pseudo_label(logits):
    expected = [-np.log(p.max()) if p.max() > 0.95 else 0.0 for p in map(softmax, logits[0])]
    agrees(pseudo_label(logits[0]), expected)
    assert 0 < np.count_nonzero(expected) < 64


def test_given_label(logits):
    expected = []
    for one, other in zip(*logits, strict=True):
        sharp = softmax(one) ** 2
        p, q = sharp / sharp.sum(), softmax(other)
        expected.append(sum(a * np.log(a / b) for a, b in zip(p, q, strict=True) if a > 0))
    agrees(given_label(np.array([softmax(row) for row in logits[0]]), logits[1]), expected)


def test_fixmatch(logits):
    expected = []
    for clean, strong in zip(*logits, strict=True):
        p, q = softmax(clean), softmax(strong)
        expected.append(-np.log(q[p.argmax()]) if p.max() > 0.95 else 0.0)
    agrees(fixmatch(*logits), expected)


def uda_by_hand(clean, strong):
    if softmax(clean).max() <= 0.8:
        return 0.0
    target, q = softmax(clean / 0.4), softmax(strong)
    return sum(a * np.log(a / b) for a, b in zip(target, q, strict=True) if a > 0)


def test_uda(logits):
    expected = [uda_by_hand(*pair) for pair in zip(*logits, strict=True)]
    agrees(uda(*logits), expected)
    swapped = np.asarray(uda(logits[1], logits[0]))
    assert np.abs(swapped - expected).max() > 0.1  # the branches are not alike


def test_udas_mask_is_of_the_prediction_as_it_is():
    """Sharpened, 0.7 would be 0.89 and take part."""
    clean = np.log([[0.7, 0.3], [0.81, 0.19]])
    assert [float(one) > 0 for one in uda(clean, np.zeros((2, 2)))] == [False, True]


def test_annealing_begins_at_chance_and_ends_at_one():
    for schedule, half in (("linear", 0.5), ("log", 1 - np.exp(-2.5)), ("exp", np.exp(-2.5))):
        agrees(annealing_threshold(0.5, 10, schedule), half * 0.9 + 0.1)
        assert float(annealing_threshold(0.0, 10, schedule)) == pytest.approx(0.1, abs=0.01)
        assert float(annealing_threshold(1.0, 10, schedule)) == pytest.approx(1.0, abs=0.01)
    with pytest.raises(ValueError, match="`schedule` must be one of"):
        annealing_threshold(0.5, 10, "cosine")


def test_rotation():
    logits = np.random.default_rng(0).normal(size=(12, 4))
    agrees(rotation_loss(logits), [-np.log(softmax(row)[place // 3]) for place, row in enumerate(logits)])
    images = np.random.default_rng(1).uniform(size=(3, 6, 6, 2))
    turned = np.asarray(quarter_turns(images))
    for turns in range(4):
        for place in range(3):
            np.testing.assert_array_equal(turned[3 * turns + place], np.rot90(images[place], turns))
    with pytest.raises(ValueError, match="must be square"):
        quarter_turns(images[:, :4])


def test_exemplar():
    embeddings = np.random.default_rng(0).normal(size=(12, 7))  # three copies of four images
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    expected = []
    for one in range(12):
        to = [np.linalg.norm(unit[one] - unit[other]) for other in range(12)]
        farthest = max(to[other] for other in range(12) if other % 4 == one % 4 and other != one)
        nearest = min(to[other] for other in range(12) if other % 4 != one % 4)
        expected.append(np.log1p(np.exp(farthest - nearest)))
    agrees(exemplar_loss(embeddings, copies=3), expected)


@pytest.mark.parametrize("loss", [uda, fixmatch])
def test_the_clean_branch_is_not_differentiated(loss, logits):
    tf = pytest.importorskip("tensorflow")
    clean, strong = (tf.constant(one, "float32") for one in logits)
    with tf.GradientTape() as tape:
        tape.watch([clean, strong])
        total = ops.sum(loss(clean, strong))
    to_clean, to_strong = tape.gradient(total, [clean, strong], unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert np.abs(to_clean).max() == 0 and np.abs(to_strong).max() > 0

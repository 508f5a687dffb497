import sys

import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.losses import info_nce, streaming
from cpc_keras.losses.info_nce import _cross_entropy, info_nce_and_accuracy
from cpc_keras.losses.streaming import streamed_cross_entropy


def make_case(queries=150, candidates=70, dim=8):
    rng = np.random.default_rng(0)
    return (
        rng.normal(size=(queries, dim)).astype("float32"),
        rng.normal(size=(candidates, dim)).astype("float32"),
        rng.integers(0, candidates, queries).astype("int32"),
    )


def losses_and_gradients(form, queries, candidates, positives, weights):
    """By query, and the gradients of a sum with a weight of its own for each query."""
    with tf.GradientTape() as tape:
        tape.watch((queries, candidates))
        losses, hits = form(queries, candidates, positives)
        total = tf.reduce_sum(losses * weights) + tf.reduce_sum(hits)
    return losses, hits, *(tf.convert_to_tensor(one) for one in tape.gradient(total, (queries, candidates)))


@pytest.mark.parametrize("mode", ["eager", "graph", "free shape", "xla"])
@pytest.mark.parametrize(("queries", "logits", "rows"), [(150, 1, 32), (150, 1, 7), (150, 2**19, 1), (1, 1, 1)])
def test_equals_the_whole_matrix(monkeypatch, mode, queries, logits, rows):
    """One block and several, the last one full and not, a weight of any sign."""
    monkeypatch.setattr(streaming, "BLOCK_LOGITS", logits)
    monkeypatch.setattr(streaming, "FEWEST_ROWS", rows)
    case = tuple(tf.constant(one) for one in make_case(queries))
    weights = tf.constant(np.random.default_rng(1).normal(size=queries).astype("float32"))

    def run(*arguments):
        return losses_and_gradients(streamed_cross_entropy, *arguments)

    if mode == "free shape":
        shapes = [tf.TensorSpec((None, *one.shape[1:]), one.dtype) for one in (*case, weights)]
        run = tf.function(run, input_signature=shapes)
    elif mode != "eager":
        run = tf.function(run, jit_compile=mode == "xla")
    expected = losses_and_gradients(_cross_entropy, *case, weights)
    for name, one, two in zip(("losses", "hits", "queries", "candidates"), run(*case, weights), expected, strict=True):
        np.testing.assert_allclose(one, two, atol=5e-6, err_msg=name)


def test_the_loss_streams_by_itself_where_the_matrix_is_large(monkeypatch):
    taken = []
    monkeypatch.setattr(
        sys.modules["cpc_keras.losses.info_nce"],  # the package shows the function under this name
        "streamed_cross_entropy",
        lambda *case: (taken.append(case[0].shape[0]), streamed_cross_entropy(*case))[1],
    )
    info_nce(*make_case(2048, 2048))
    assert taken == []
    large = make_case(2049, 2048)
    loss, accuracy = info_nce_and_accuracy(*large)
    assert taken == [2049]
    losses, hits = _cross_entropy(*large)
    assert float(loss) == pytest.approx(float(np.mean(losses)), abs=1e-5)
    assert float(accuracy) == pytest.approx(float(np.mean(hits)), abs=1e-7)


def test_an_accelerator_takes_larger_blocks_and_a_larger_matrix(monkeypatch):
    """On which a step of a loop costs more than what it computes."""
    assert streaming._rows(9216, 18432) == 2**19 // 18432
    monkeypatch.setattr(streaming, "accelerated", lambda: True)
    assert streaming._rows(9216, 18432) == 2**22 // 18432
    monkeypatch.setattr(sys.modules["cpc_keras.losses.info_nce"], "accelerated", lambda: True)
    monkeypatch.setattr(sys.modules["cpc_keras.losses.info_nce"], "streamed_cross_entropy", None)
    assert np.isfinite(info_nce(*make_case(2049, 2048)))  # not streamed


def test_large_logits_stay_finite():
    eye = (1e3 * np.eye(64)).astype("float32")
    losses, hits = streamed_cross_entropy(eye, eye, np.arange(64))
    assert not np.any(losses)
    assert np.all(np.asarray(hits) == 1.0)


def test_a_nan_is_not_lost():
    queries, candidates, positives = make_case()
    queries[3, 2] = np.nan
    losses, _ = streamed_cross_entropy(queries, candidates, positives)
    assert np.isnan(losses[3]) and np.isfinite(losses[4])

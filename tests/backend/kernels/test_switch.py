"""A training step with the ways around slow kernels, and without."""

import keras
import numpy as np
import pytest

from cpc_keras.backend import kernels
from cpc_keras.backend.kernels import adam, convolution, layer_norm, split_batch, strided
from cpc_keras.optimizers import AveragedAdamW


@pytest.fixture
def taken(monkeypatch):
    """All of them are taken at any size; which have been."""
    names = set()

    def watch(module, function, name):
        original = getattr(module, function)
        monkeypatch.setattr(module, function, lambda *given: (names.add(name), original(*given))[1])

    for module in (adam, layer_norm, split_batch):
        monkeypatch.setattr(module, "_LARGE", 1)
    monkeypatch.setattr(convolution, "pays", lambda *_: kernels.enabled("convolution"))
    watch(convolution, "convolve", "convolution")
    watch(strided, "convolve", "strided")
    watch(layer_norm, "_moments", "layer_norm")
    watch(adam, "update", "adam")
    watch(split_batch.ops, "split", "split_batch")
    return names


def trained(small_cpc, images):
    """Losses of two steps, and the weights after them."""
    keras.utils.set_random_seed(1)
    model = small_cpc()
    model.compile(AveragedAdamW(1e-3, average_decay=0.9, global_clipnorm=0.1), jit_compile=False)
    losses = [model.train_on_batch(images) for _ in range(2)]
    return [np.ravel(loss)[0] for loss in losses], model.get_weights()


def test_a_training_step_is_the_same_without_them(taken, small_cpc, photo_crops):
    losses, weights = trained(small_cpc, photo_crops)
    assert taken == set(kernels.NAMES)
    taken.clear()
    with kernels.switched_off():
        plain_losses, plain = trained(small_cpc, photo_crops)
    assert not taken
    np.testing.assert_allclose(losses, plain_losses, rtol=1e-5)
    for ours, theirs in zip(weights, plain, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4)  # two steps of 1e-3, in which rounding may turn a sign


def test_the_switch(monkeypatch):
    with kernels.switched_off("adam"):
        assert [name for name in kernels.NAMES if not kernels.enabled(name)] == ["adam"]
        with kernels.switched_off():
            assert not any(map(kernels.enabled, kernels.NAMES))
        assert kernels.enabled("strided")
    assert all(map(kernels.enabled, kernels.NAMES))
    monkeypatch.setenv(kernels.FLAG, "0")
    assert not any(map(kernels.enabled, kernels.NAMES))

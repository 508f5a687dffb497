import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.evaluation import reusable_network
from cpc_keras.evaluation.inputs import VectorInputs
from cpc_keras.evaluation.reusable_network import ReusableNetwork, is_long

STEPS = 27  # no multiple of the steps that are taken together


@pytest.fixture
def inputs():
    """Digits of scikit-learn, 64 pixels each."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return VectorInputs(labels=digits.target[:300], vectors=(digits.data[:300] / 16).astype("float32"))


def build(rate=0.3):
    vectors = keras.Input((64,))
    dropped = keras.layers.Dropout(rate)(keras.layers.Dense(32, "relu")(vectors))
    return keras.Model(vectors, keras.layers.Dense(10, "softmax")(dropped))


def make(long=False, optimizer="adamw"):
    return ReusableNetwork(build, "sparse_categorical_crossentropy", optimizer, long)


def trained(network, inputs, seed, peak=1e-2, steps=STEPS, weight_decay=0.01):
    network.reset(seed)
    network.train(inputs.training_batches(16, seed, steps), steps, peak, weight_decay)
    return network.predict(inputs.batches())


def test_every_training_begins_anew(inputs):
    network = make()
    first, other, again = (trained(network, inputs, seed) for seed in (1, 2, 1))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, trained(make(), inputs, 1))
    assert np.abs(first - other).max() > 1e-2


def test_no_seed_of_tensorflow_is_set(inputs, monkeypatch):
    """After it is set, TensorFlow optimises each of its functions again, which costs more than a few steps."""
    monkeypatch.setattr(tf.random, "set_seed", lambda seed: pytest.fail("TensorFlow was given a seed"))
    network = make()
    for seed in (1, 2):
        trained(network, inputs, seed)


def test_starting_weights_are_those_that_keras_draws_from_the_seed():
    network = make()
    network.reset(1)
    started = [np.array(variable) for variable in network.reset(5).variables]
    keras.utils.set_random_seed(5)
    for one, other in zip(started, build().variables, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("optimizer", sorted(reusable_network.OPTIMIZERS))
def test_weight_decay_is_set_anew_in_a_traced_network(inputs, optimizer):
    """As it would be in an optimizer that is given it from the start."""
    network = make(optimizer=optimizer)
    trained(network, inputs, 0, weight_decay=0.0)
    network.reset(0)
    before = [variable.numpy() for variable in network.model.trainable_variables]
    network._trained.optimizer.weight_decay.assign(0.5)
    schedule = reusable_network._WarmUpAndCosine()
    schedule.begin(1e-2, STEPS)
    network._rate.begin(1e-2, STEPS)
    expected = reusable_network.OPTIMIZERS[optimizer](schedule, weight_decay=0.5)
    expected.build(others := [keras.Variable(value) for value in before])
    gradients = [tf.ones_like(value) for value in before]
    expected.apply_gradients(zip(gradients, others, strict=True))
    network._trained.optimizer.apply_gradients(zip(gradients, network.model.trainable_variables, strict=True))
    for one, other, start in zip(network.model.trainable_variables, others, before, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-6)
        assert not np.array_equal(one.numpy(), start)


def test_one_step_at_a_time_or_several(inputs):
    several, single = make(long=True), make()
    np.testing.assert_allclose(trained(several, inputs, 0), trained(single, inputs, 0), rtol=1e-4)
    assert int(several._trained.optimizer.iterations) == int(single._trained.optimizer.iterations) == STEPS
    assert (several._trained.steps_per_execution, single._trained.steps_per_execution) == (
        reusable_network._TOGETHER,
        1,
    )


def test_large_networks_are_open_to_a_signal_after_every_step(inputs, monkeypatch):
    monkeypatch.setattr(reusable_network, "_SMALL", 1000)
    network = make(long=True)
    assert network.reset(0).steps_per_execution == 1
    assert (is_long(199), is_long(200)) == (False, True)


@pytest.mark.parametrize("steps", [1, 9, 50])
def test_the_rate_rises_over_a_tenth_and_falls_to_zero(steps):
    schedule = reusable_network._WarmUpAndCosine()
    schedule.begin(0.2, steps)
    warmup = max(1, steps // 10)
    rising = [0.2 * (step + 1) / warmup for step in range(warmup)]
    falling = [0.1 * (1 + math.cos(math.pi * step / max(1, steps - warmup))) for step in range(steps - warmup + 1)]
    np.testing.assert_allclose([float(schedule(step)) for step in range(steps + 1)], rising + falling, atol=1e-7)
    assert max(rising + falling) == 0.2


def test_another_peak_is_another_training_of_the_same_network(inputs):
    network = make()
    quick, slow = (trained(network, inputs, 0, peak) for peak in (1e-2, 1e-5))
    assert (quick.argmax(axis=1) == inputs.labels).mean() > 0.5 > (slow.argmax(axis=1) == inputs.labels).mean()

import keras
import numpy as np
import pytest
from keras import ops

from cpc_keras.backend.kernels import adam
from cpc_keras.optimizers import AveragedAdamW, averaged_weights, averages
from cpc_keras.storage.keras_files import copy_without

RNG = np.random.default_rng(0)
INPUTS, TARGETS = RNG.normal(size=(48, 5)).astype("float32"), RNG.normal(size=(48, 2)).astype("float32")


def network(seed=0, **arguments):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(2)])
    model.compile(AveragedAdamW(1e-2, **arguments), loss="mse", jit_compile=False)
    model.optimizer.build(model.trainable_weights)
    return model


def train(model, batches, batch_size=4):
    for batch in batches:
        rows = slice(batch * batch_size, (batch + 1) * batch_size)
        model.train_on_batch(INPUTS[rows], TARGETS[rows])


def test_average_is_the_written_out_recurrence():
    model = network(average_decay=0.5)
    expected = model.get_weights()
    for batch in range(8):
        train(model, [batch])
        decay = min(0.5, (1 + batch) / (10 + batch))
        expected = [decay * old + (1 - decay) * new for old, new in zip(expected, model.get_weights(), strict=True)]
    for ours, theirs in zip(averages(model), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_raw_weights_are_those_of_plain_adamw():
    """The average only watches: training is the same with and without it."""
    with_average, without = network(average_decay=0.9), network()
    for model in (with_average, without):
        model.fit(INPUTS, TARGETS, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(with_average.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert averages(without) is None


@pytest.mark.parametrize("large", [1, 10**6])
def test_average_moves_once_for_each_applied_update(large, monkeypatch):
    monkeypatch.setattr(adam, "_LARGE", large)
    model = network(average_decay=0.9, gradient_accumulation_steps=3)
    before = [average.numpy() for average in averages(model)]
    train(model, [0, 1])
    for old, average in zip(before, averages(model), strict=True):
        np.testing.assert_array_equal(old, average)
    train(model, [2])
    assert int(model.optimizer.iterations) == 1
    assert all((old != average.numpy()).any() for old, average in zip(before[::2], averages(model)[::2], strict=True))
    # Three batches of four are one of twelve.
    whole = network(average_decay=0.9)
    train(whole, [0], batch_size=12)
    for ours, theirs in zip(averages(model), averages(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("large", [1, 10**6])
def test_stopping_and_going_on_is_never_having_stopped(tmp_path, large, monkeypatch):
    monkeypatch.setattr(adam, "_LARGE", large)
    arguments = {"average_decay": 0.9, "gradient_accumulation_steps": 2, "global_clipnorm": 0.1, "weight_decay": 0.01}
    whole = network(**arguments)
    train(whole, range(9))
    stopped = network(**arguments)
    train(stopped, range(5))  # in the middle of an accumulation
    stopped.save(tmp_path / "model.keras")
    resumed = keras.models.load_model(tmp_path / "model.keras")
    train(resumed, range(5, 9))
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(averages(resumed), averages(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("large", [1, 10**6])
def test_updates_are_those_of_keras_compiled_or_not(large, monkeypatch):
    monkeypatch.setattr(adam, "_LARGE", large)
    arguments = {"weight_decay": 0.01, "global_clipnorm": 1.0, "beta_1": 0.8, "epsilon": 1e-8}
    ours, theirs = AveragedAdamW(1e-2, average_decay=0.5, **arguments), keras.optimizers.AdamW(1e-2, **arguments)
    start = RNG.normal(size=(6, 5)).astype("float32")
    weights = [keras.Variable(start), keras.Variable(start)]
    ours.build(weights[:1])
    average = start
    for step in range(5):
        gradient = RNG.normal(size=start.shape).astype("float32")
        ours.apply([ops.convert_to_tensor(gradient)], weights[:1])
        theirs.apply([ops.convert_to_tensor(gradient)], weights[1:])
        np.testing.assert_allclose(weights[0], weights[1], rtol=1e-6, atol=1e-7)
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * weights[0].numpy()
        np.testing.assert_allclose(ours.averages[0], average, atol=1e-6)


def test_averaged_weights_are_swapped_in_and_out_even_after_an_error():
    model = network(average_decay=0.9)
    train(model, range(6))
    raw = model.get_weights()
    with pytest.raises(RuntimeError), averaged_weights(model):
        for weight, average in zip(model.get_weights(), averages(model), strict=True):
            np.testing.assert_array_equal(weight, average)
        raise RuntimeError
    for before, after in zip(raw, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_model_without_averages_is_left_alone():
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    with averaged_weights(model):
        assert averages(model) is None


def test_weight_decay_spares_biases():
    model = network(weight_decay=0.5)
    kernel, bias = model.layers[0].kernel, model.layers[0].bias
    bias.assign(np.ones(4))
    before = kernel.numpy(), bias.numpy()
    model.optimizer.apply([np.zeros(weight.shape, "float32") for weight in model.trainable_weights])
    np.testing.assert_allclose(kernel, before[0] * (1 - 1e-2 * 0.5), rtol=1e-5)
    np.testing.assert_array_equal(bias, before[1])


def test_configuration_round_trip():
    optimizer = AveragedAdamW(1e-3, average_decay=0.7, beta_1=0.8, epsilon=1e-8, global_clipnorm=0.01)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    for name in ("average_decay", "beta_1", "epsilon", "global_clipnorm", "weight_decay"):
        assert getattr(again, name) == getattr(optimizer, name)


def test_refuses_a_decay_of_one():
    with pytest.raises(ValueError, match=r"`average_decay` must lie in \[0, 1\). Received: average_decay=1.0"):
        AveragedAdamW(average_decay=1.0)


@pytest.mark.parametrize("average_decay", [None, 0.9])
def test_a_file_without_what_training_reads_has_weights_and_averages(average_decay, tmp_path):
    arguments = {"average_decay": average_decay, "gradient_accumulation_steps": 2}
    model = network(**arguments)
    train(model, range(5))
    places = model.optimizer.training_state()
    assert len(places) == 3 * len(model.trainable_weights)  # two moments and accumulated gradients
    model.save(tmp_path / "whole.keras")
    copy_without(tmp_path / "whole.keras", tmp_path / "model.keras", [f"optimizer/vars/{place}" for place in places])
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for place, (ours, theirs) in enumerate(zip(loaded.optimizer.variables, model.optimizer.variables, strict=True)):
        np.testing.assert_array_equal(ours, np.zeros(ours.shape) if place in places else theirs)
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_state_of_another_optimizer_is_refused_as_keras_does():
    ours = network(average_decay=0.9).optimizer
    theirs = {str(place): variable.numpy() for place, variable in enumerate(network().optimizer.variables)}
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer"):
        ours.load_own_variables(theirs)

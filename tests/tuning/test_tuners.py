import keras_tuner
import pytest

from cpc_keras.tuning.tuners import epochs_for, sweep_size


@pytest.mark.parametrize("epochs", [1, 3, 9, 27, 81])
def test_a_sweep_is_as_large_as_hyperband_makes_it(epochs):
    oracle = keras_tuner.oracles.HyperbandOracle("val_loss", max_epochs=epochs, seed=1)
    parts = [(bracket, part) for bracket in range(oracle._get_num_brackets()) for part in range(bracket + 1)]
    assert sweep_size(epochs) == sum(oracle._get_size(*part) for part in parts)


@pytest.mark.parametrize("trials", [1, 5, 6, 22, 23, 69, 70, 300])
def test_epochs_are_the_most_that_fit(trials):
    epochs = epochs_for(trials)
    assert epochs == 1 or sweep_size(epochs) <= trials
    assert sweep_size(3 * epochs) > trials

import keras_tuner
import pytest

from cpc_keras.errors import InputError
from cpc_keras.tuning.spaces import choose_setting, coarse_space
from cpc_keras.tuning.tuners import epochs_for, is_worker, sweep_size


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


def test_the_coarse_space_is_what_a_setting_is_drawn_from():
    hp = coarse_space()
    assert choose_setting(hp, "supervised")["learning_rate"] == 2e-3
    hp.values["rate"] = 3.0
    assert choose_setting(hp, "supervised")["learning_rate"] == pytest.approx(6e-3)


def test_who_is_a_worker(monkeypatch):
    assert not is_worker()
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(InputError, match="Received: no KERASTUNER_TUNER_ID and no KERASTUNER_ORACLE_PORT"):
        is_worker()
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "8000")
    for name, worker in (("chief", False), ("chief0", False), ("worker0", True)):
        monkeypatch.setenv("KERASTUNER_TUNER_ID", name)
        assert is_worker() is worker

import keras
import numpy as np
import pytest

from cpc_keras.optimizers import WarmUp


def test_rises_linearly_then_follows_the_schedule():
    steps = keras.optimizers.schedules.PiecewiseConstantDecay([20, 40], [1.0, 0.1, 0.01])
    schedule = WarmUp(steps, steps=10)
    np.testing.assert_allclose([float(schedule(t)) for t in range(11)], np.arange(11) / 10, atol=1e-6)
    np.testing.assert_allclose([float(schedule(t)) for t in (20, 21, 41)], [1.0, 0.1, 0.01], rtol=1e-6)


def test_of_a_constant_and_of_no_length():
    np.testing.assert_allclose([float(WarmUp(0.3, 4)(t)) for t in (0, 2, 9)], [0.0, 0.15, 0.3], atol=1e-6)
    assert float(WarmUp(0.3, 0)(0)) == pytest.approx(0.3)


def test_survives_in_a_saved_optimizer():
    optimizer = keras.optimizers.Adam(WarmUp(keras.optimizers.schedules.CosineDecay(1.0, 100), 10))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    optimizer.iterations.assign(55)
    again.iterations.assign(55)
    assert float(again.learning_rate) == pytest.approx(float(optimizer.learning_rate))


def test_refuses_a_negative_length():
    with pytest.raises(ValueError, match="`steps` must not be negative"):
        WarmUp(0.1, -1)

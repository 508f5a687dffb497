import os
import signal

import keras
import numpy as np
import pytest

from cpc_keras.pretraining.interrupts import Interrupts


def test_waits_for_the_end_of_the_step_and_restores_the_handler():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)  # nothing is raised here
        assert interrupts.received
        with pytest.raises(KeyboardInterrupt):
            interrupts.on_train_batch_end(0)
        with pytest.raises(KeyboardInterrupt):  # the second is not held back
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_stops_fit_although_the_interrupt_came_where_python_swallows_it():
    class Destroyed:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)

    class Dropping(keras.callbacks.Callback):
        steps = 0

        def on_train_batch_begin(self, batch, logs=None):
            Dropping.steps += 1
            if Dropping.steps == 3:
                Destroyed()  # its destructor runs at once

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
        model.fit(np.ones((80, 2)), np.ones(80), batch_size=8, callbacks=[Dropping(), interrupts], verbose=0)
    assert Dropping.steps == 3

"""A pipeline that is broken off."""

import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.data.python_calls import calls_awaited, counted


def test_an_exception_leaves_when_no_call_is_under_way():
    running, most = set(), []

    def slow(index):
        running.add(threading.get_ident())
        time.sleep(0.05)
        most.append(len(running))
        running.discard(threading.get_ident())
        return np.float32(index)

    def load(index):
        return tf.numpy_function(counted(slow), [index], tf.float32, stateful=False)

    dataset = tf.data.Dataset.range(1000).map(load, num_parallel_calls=2).prefetch(4)
    iterator = iter(dataset)
    next(iterator)
    while not running:  # calls go on ahead of what is asked for
        time.sleep(0.001)
    with pytest.raises(KeyError), calls_awaited():
        raise KeyError
    assert not running
    count = len(most)
    time.sleep(0.3)
    assert len(most) == count < 20, "the buffer is full"


def test_without_an_exception_nothing_is_waited_for():
    began = time.monotonic()
    with calls_awaited():
        pass
    assert time.monotonic() - began < 0.02

"""XLA for a single function amid TensorFlow's own kernels, and where and with what these run."""

import functools
import os
import platform
import sys

import tensorflow as tf

from cpc_keras.backend.onednn import FLAG, MISSED, is_missed

COMPILES = True


def compiled(function):
    """A function of tensors, written in `keras.ops`, as one kernel in place of many.

    On a CPU the convolutions of TensorFlow are faster than those of XLA, and a
    chain of additions and multiplications the other way round.
    """
    return tf.function(function, jit_compile=True, autograph=False, reduce_retracing=False)


def gradient_of(function, values):
    """The gradient of a scalar function of a tensor, like the tensor; 0 where it does not depend on it."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        values = tf.convert_to_tensor(values)
        tape.watch(values)
        result = function(values)
    return tape.gradient(result, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def on_cpu():
    """Whether TensorFlow computes on processors alone."""
    return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())


def accelerated():
    """Whether the backend computes on a GPU or a TPU."""
    return not on_cpu()


def uses_onednn():
    """Whether TensorFlow's kernels on a processor are those of oneDNN; `None` if this TensorFlow does not say."""
    try:
        from tensorflow.python.util import _pywrap_util_port
    except ImportError:
        return None
    ask = getattr(_pywrap_util_port, "IsMklEnabled", None)
    return ask and ask()


def tell_if_onednn_is_missed():
    """Says once, on standard error, what is lost if TensorFlow was loaded without oneDNN: see `backend.onednn`.

    To be called where devices are touched anyway: a GPU misses nothing.
    """
    if is_missed(os.environ.get(FLAG), uses_onednn(), platform.machine()) and on_cpu():
        _say_once(MISSED)


@functools.cache
def _say_once(line):
    print(line, file=sys.stderr, flush=True)

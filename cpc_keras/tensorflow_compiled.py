"""XLA for a single function amid TensorFlow's own kernels, and where these run."""

import tensorflow as tf

COMPILES = True


def compiled(function):
    """A function of tensors, written in `keras.ops`, as one kernel in place of many.

    On a CPU the convolutions of TensorFlow are faster than those of XLA, and a
    chain of additions and multiplications the other way round.
    """
    return tf.function(function, jit_compile=True, autograph=False, reduce_retracing=False)


def on_cpu():
    """Whether TensorFlow computes on processors alone."""
    return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())


def accelerated():
    """Whether the backend computes on a GPU or a TPU."""
    return not on_cpu()

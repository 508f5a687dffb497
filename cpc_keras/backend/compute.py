"""Compiling a function of tensors, and where the backend computes; chosen when the package is imported."""

import keras

if keras.backend.backend() == "tensorflow":
    from cpc_keras.backend.tensorflow_compute import (
        COMPILES,
        accelerated,
        compiled,
        gradient_of,
        on_cpu,
        tell_if_onednn_is_missed,
    )
elif keras.backend.backend() != "jax":
    raise ImportError(
        "`cpc_keras` needs Keras on TensorFlow or JAX: see KERAS_BACKEND and the file keras.json. "
        f"Received: backend={keras.backend.backend()!r}"
    )
else:
    import jax

    COMPILES = False  # the whole step is compiled there

    def compiled(function):
        """The function as it is."""
        return function

    def gradient_of(function, values):
        """The gradient of a scalar function of a tensor, like the tensor."""
        return jax.grad(function)(values)

    def on_cpu():
        """Whether TensorFlow computes on processors alone."""
        return False

    def accelerated():
        """Whether the backend computes on a GPU or a TPU."""
        return jax.default_backend() != "cpu"

    def tell_if_onednn_is_missed():
        """Nothing: the kernels are XLA's."""


__all__ = ["COMPILES", "accelerated", "compiled", "gradient_of", "on_cpu", "tell_if_onednn_is_missed"]

"""Compiling a function of tensors, and where the backend computes; chosen when the package is imported."""

import keras

if keras.backend.backend() == "tensorflow":
    from cpc_keras.tensorflow_compiled import COMPILES, compiled, on_cpu
else:
    COMPILES = False  # the whole step is compiled there

    def compiled(function):
        """The function as it is."""
        return function

    def on_cpu():
        """Whether TensorFlow computes on processors alone."""
        return False


__all__ = ["COMPILES", "compiled", "on_cpu"]

"""Compiling a function of tensors, chosen by backend when the package is imported."""

import keras

if keras.backend.backend() == "tensorflow":
    from cpc_keras.tensorflow_compiled import COMPILES, compiled
else:
    COMPILES = False  # the whole step is compiled there

    def compiled(function):
        """The function as it is."""
        return function


__all__ = ["COMPILES", "compiled"]

"""Convolutions as encoders and context networks use them."""

import keras

if keras.backend.backend() == "tensorflow":
    from cpc_keras.layers import tensorflow_convolution
else:
    tensorflow_convolution = None  # type: ignore[assignment]


@keras.saving.register_keras_serializable(package="cpc_keras")
class Convolution(keras.layers.Conv2D):
    """`keras.layers.Conv2D`, with a faster way to its gradient for small maps in bfloat16 on a CPU.

    Patches leave maps of a few pixels and many channels, for which oneDNN takes
    several times as long as it has to. Results are equal up to rounding.

    Args:
        *args: As for `keras.layers.Conv2D`.
        **kwargs: As for `keras.layers.Conv2D`.

    Example:

    >>> import numpy as np
    >>> tuple(Convolution(8, 3, padding="same")(np.zeros((2, 4, 4, 3))).shape)
    (2, 4, 4, 8)
    """

    def convolution_op(self, inputs, kernel):
        plain = self.data_format == "channels_last" and self.groups == 1 and self.dilation_rate == (1, 1)
        if plain and tensorflow_convolution and tensorflow_convolution.pays(inputs, kernel, self.strides):
            return tensorflow_convolution.convolve(inputs, kernel, self.strides, self.padding)
        return super().convolution_op(inputs, kernel)

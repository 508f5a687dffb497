"""Convolutions as encoders and context networks use them."""

import keras

from cpc_keras.backend.compute import tell_if_onednn_is_missed
from cpc_keras.backend.kernels import strided

if keras.backend.backend() == "tensorflow":
    from cpc_keras.backend.kernels import convolution as kernel_gradient
else:
    kernel_gradient = None  # type: ignore[assignment]


@keras.saving.register_keras_serializable(package="cpc_keras")
class Convolution(keras.layers.Conv2D):
    """`keras.layers.Conv2D`, with other ways to its gradient where TensorFlow's on a CPU is slow or wrong.

    Patches leave maps of a few pixels and many channels, for which oneDNN takes
    several times as long in bfloat16 as it has to. And of 1×1 convolutions with a
    stride it corrupts memory if channels are few. Results are equal up to rounding.
    Channels are last, whatever `keras.json` says.

    Args:
        *args: As for `keras.layers.Conv2D`.
        **kwargs: As for `keras.layers.Conv2D`.

    Example:

    >>> import numpy as np
    >>> tuple(Convolution(8, 3, padding="same")(np.zeros((2, 4, 4, 3))).shape)
    (2, 4, 4, 8)
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"data_format": "channels_last", **kwargs})

    def build(self, input_shape):
        tell_if_onednn_is_missed()
        super().build(input_shape)

    def convolution_op(self, inputs, kernel):
        usual = self.data_format == "channels_last" and self.groups == 1
        if usual and strided.needed(kernel, self.strides):
            return strided.convolve(inputs, kernel, self.strides)
        plain = usual and self.dilation_rate == (1, 1)
        if plain and kernel_gradient and kernel_gradient.pays(inputs, kernel, self.strides):
            return kernel_gradient.convolve(inputs, kernel, self.strides, self.padding)
        return super().convolution_op(inputs, kernel)

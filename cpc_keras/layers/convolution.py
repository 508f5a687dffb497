"""Convolutions as encoders and context networks use them."""

import keras
from keras import ops

from cpc_keras.backend.compute import tell_if_onednn_is_missed

if keras.backend.backend() == "tensorflow":
    from cpc_keras.backend.kernels import convolution as kernel_gradient
else:
    kernel_gradient = None  # type: ignore[assignment]


# Channels below which oneDNN's gradient of a strided 1×1 kernel writes past its memory, on maps of 64 px or more
# (TensorFlow 2.21 with AVX-512: the process ends, or computes on with what it has overwritten).
_NARROW = 16


@keras.saving.register_keras_serializable(package="cpc_keras")
class Convolution(keras.layers.Conv2D):
    """`keras.layers.Conv2D`, with other ways to its gradient where TensorFlow's on a CPU is slow or wrong.

    Patches leave maps of a few pixels and many channels, for which oneDNN takes
    several times as long in bfloat16 as it has to. And of 1×1 convolutions with a
    stride it corrupts memory if channels are few. Results are equal up to rounding.

    Args:
        *args: As for `keras.layers.Conv2D`.
        **kwargs: As for `keras.layers.Conv2D`.

    Example:

    >>> import numpy as np
    >>> tuple(Convolution(8, 3, padding="same")(np.zeros((2, 4, 4, 3))).shape)
    (2, 4, 4, 8)
    """

    def build(self, input_shape):
        tell_if_onednn_is_missed()
        super().build(input_shape)

    def convolution_op(self, inputs, kernel):
        if self._skips(kernel):
            rows, cols = self.strides
            return ops.conv(inputs[:, ::rows, ::cols], kernel, strides=1, padding="valid")
        plain = self.data_format == "channels_last" and self.groups == 1 and self.dilation_rate == (1, 1)
        if plain and kernel_gradient and kernel_gradient.pays(inputs, kernel, self.strides):
            return kernel_gradient.convolve(inputs, kernel, self.strides, self.padding)
        return super().convolution_op(inputs, kernel)

    def _skips(self, kernel):
        """Whether it only looks at every second pixel or so, in few channels."""
        usual = self.data_format == "channels_last" and self.groups == 1
        return usual and tuple(kernel.shape[:2]) == (1, 1) and max(self.strides) > 1 and kernel.shape[2] < _NARROW

"""A 1 × 1 convolution with a stride as one without, on the pixels that it looks at."""

from keras import ops

from cpc_keras.backend import kernels

# Channels below which oneDNN's gradient of a strided 1×1 kernel writes past its memory, on maps of 64 px or more
# (TensorFlow 2.21 with AVX-512: the process ends, or computes on with what it has overwritten).
_NARROW = 16


def needed(kernel, strides):
    """Whether a convolution only looks at every second pixel or so, in few channels."""
    return (
        kernels.enabled("strided")
        and tuple(kernel.shape[:2]) == (1, 1)
        and max(strides) > 1
        and kernel.shape[2] < _NARROW
    )


def convolve(inputs, kernel, strides):
    """The convolution.

    Args:
        inputs: Tensor `[N, h, w, C]`.
        kernel: Tensor `[1, 1, C, D]`.
        strides: Two numbers.

    Returns:
        Tensor `[N, h', w', D]`.
    """
    rows, cols = strides
    return ops.conv(inputs[:, ::rows, ::cols], kernel, strides=1, padding="valid", data_format="channels_last")

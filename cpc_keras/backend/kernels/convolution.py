"""A convolution of small maps whose gradients are fast in bfloat16 on a CPU."""

import functools

import numpy as np
import tensorflow as tf

from cpc_keras.backend import kernels
from cpc_keras.backend.compute import on_cpu

# Lavin and Gray's F(3, 2): three values in a row of a correlation with two, in four products instead of six. By the
# first matrix go four pixels, by the second two upstream gradients, by the third the four products.
_OF_PIXELS = ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, -1, 0, 1))
_OF_UPSTREAM = ((1, 0), (1, 1), (1, -1), (0, 1))
_OF_PRODUCTS = ((1, 0.5, 0.5, 0), (0, 0.5, -0.5, 0), (0, 0.5, 0.5, 1))


def pays(inputs, kernel, strides):
    """Whether `convolve` is faster than TensorFlow's own convolution.

    Measured (two cores with bfloat16 instructions): the gradient of a 3×3 kernel
    of 512 channels on maps of 2×2 px took 143 ms in oneDNN and 19 ms as products of
    matrices, of 256 channels on 4×4 px 35 and 16 ms; of 128 channels it is even at
    about 7×7 px, and in float32 oneDNN wins. With stride 2, from 128 to 256
    channels on 8×8 px, 54 and 30 ms.
    """
    height, width = inputs.shape[1:3]
    if (
        not kernels.enabled("convolution")
        or inputs.dtype != tf.bfloat16
        or None in (height, width)
        or strides[0] != strides[1]
        or strides[0] > 2
    ):
        return False
    if strides[0] == 2 and (height % 2 or width % 2 or tuple(kernel.shape[:2]) != (3, 3)):
        return False
    pixels = height * width // strides[0] ** 2
    return 3 * pixels <= strides[0] * min(kernel.shape[2:]) and on_cpu()


def convolve(inputs, kernel, strides, padding):
    """A convolution, its kernel's gradient taken as products of matrices.

    The gradient of one tap is a product: of the pixels that it saw and the
    gradients of what it added to. For a 3×3 kernel at stride 1 on maps of even
    sides, sixteen products of a quarter of the size give all nine.

    Args:
        inputs: Tensor `[N, h, w, C]`.
        kernel: Tensor `[kh, kw, C, D]`.
        strides: Two numbers, both 1 or both 2 (of a 3×3 kernel, `h` and `w` even).
        padding: `"same"` or `"valid"`.

    Returns:
        Tensor `[N, h', w', D]`.

    Reference:
        Lavin and Gray 2015, arXiv 1509.09308, section 4.2.
    """
    attributes = {"strides": [1, *strides, 1], "padding": padding.upper()}

    @tf.custom_gradient
    def convolved(inputs, kernel):
        def gradient(upstream):
            of_inputs = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=tf.shape(inputs), filter=kernel, out_backprop=upstream, **attributes
            )
            tiled = tuple(kernel.shape[:2]) == (3, 3) and strides[0] == 1 and padding == "same" and _even(inputs)
            if tiled:
                return of_inputs, _of_kernel_by_tiles(inputs, upstream)
            return of_inputs, _of_kernel_by_taps(inputs, kernel.shape, upstream, strides[0], padding)

        return tf.nn.conv2d(inputs, kernel, **attributes), gradient

    return convolved(inputs, tf.identity(kernel))  # a value: variables are refused here


def _even(inputs):
    return inputs.shape[1] % 2 == 0 and inputs.shape[2] % 2 == 0


def _of_kernel_by_tiles(inputs, upstream):
    """Gradient of a 3×3 kernel at stride 1, from tiles of 4×4 pixels and the 2×2 upstream gradients in their middle."""
    channels, outputs = inputs.shape[-1], upstream.shape[-1]
    products = tf.matmul(
        _in_tiles(inputs, _OF_PIXELS, before=1), _in_tiles(upstream, _OF_UPSTREAM, before=0), transpose_a=True
    )  # [16, C, D]
    back = tf.constant(np.kron(_OF_PRODUCTS, _OF_PRODUCTS), inputs.dtype)
    return tf.reshape(tf.matmul(back, tf.reshape(products, (16, -1))), (3, 3, channels, outputs))


def _in_tiles(maps, matrix, before):
    """Maps `[N, h, w, C]` to `[16, tiles · N, C]`, with `matrix` on rows and columns of each tile."""
    height, width, channels = maps.shape[1:]
    positions_first = tf.reshape(tf.transpose(maps, (1, 2, 0, 3)), (height * width, -1))
    tiles = tf.constant(_tiling(matrix, before, height, width), maps.dtype)  # its numbers are 0, 1 and -1
    return tf.reshape(tf.matmul(tiles, positions_first), (16, -1, channels))


@functools.cache
def _tiling(matrix, before, height, width):
    """`[16 · tiles, h · w]`: what each pixel counts for each number of each tile."""

    def of_axis(length):
        out = np.zeros((4, length // 2, length + 3))  # a margin for what lies outside
        for tile in range(length // 2):
            first = 1 + 2 * tile - before
            out[:, tile, first : first + len(matrix[0])] = matrix
        return out[:, :, 1 : length + 1]

    return np.einsum("fth,guw->fgtuhw", of_axis(height), of_axis(width)).reshape(-1, height * width)


def _of_kernel_by_taps(inputs, shape, upstream, stride, padding):
    rows, cols, channels, outputs = shape
    height, width = upstream.shape[1:3]
    flat = tf.reshape(upstream, (-1, outputs))  # [N · h' · w', D]
    if padding == "same":
        before, after = ((rows - 1) // 2, (cols - 1) // 2), (rows // 2, cols // 2)
        if stride == 2:  # an even side is padded behind only, here to an even side again
            before, after = (0, 0), (2, 2)
        inputs = tf.pad(inputs, ((0, 0), *zip(before, after, strict=True), (0, 0)))
    # With stride 2, what taps see lies on one of two by two grids of every second pixel.
    grids = tf.reshape(inputs, (-1, inputs.shape[1] // stride, stride, inputs.shape[2] // stride, stride, channels))

    def of_tap(row, col):
        top, left = row // stride, col // stride
        seen = grids[:, top : top + height, row % stride, left : left + width, col % stride]  # [N, h', w', C]
        return tf.matmul(tf.reshape(seen, (-1, channels)), flat, transpose_a=True)

    return tf.reshape(tf.stack([of_tap(row, col) for row in range(rows) for col in range(cols)]), shape)

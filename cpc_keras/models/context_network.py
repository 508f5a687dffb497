"""The masked convolutional network that sums up what lies above."""

import keras
import numpy as np
from keras import ops

from cpc_keras.layers.convolution import Convolution


@keras.saving.register_keras_serializable(package="cpc_keras")
class ContextNetwork(keras.layers.Layer):
    """Summarises, at each grid location, the rows above it and its own.

    Residual blocks of 1×1, 1×3 (along the row), zero row on top and 2×1 (two
    rows down), 1×1 convolutions. Only the top row of zeros makes it causal:
    output row `r` depends on input rows `r - blocks` to `r` and on nothing below.
    One ReLU follows the last block; the published listing can also be read with
    a ReLU in each.

    Other directions are had by rotating the grid, see `CPC`, which runs the
    networks of all directions `side_by_side`.

    Args:
        blocks: Number of residual blocks.
        width: Channels inside a block.

    Call arguments:
        latents: Tensor `[B, rows, cols, D]`.

    Output shape:
        Same as the input.

    Raises:
        ValueError: If an argument is not positive.

    Reference:
        Hénaff et al. 2019, arXiv 1905.09272, appendix (five blocks of width 256);
        van den Oord et al. 2016, arXiv 1606.05328, for masking by shifting rows.

    Example:

    >>> import numpy as np
    >>> tuple(ContextNetwork(blocks=2, width=16)(np.zeros((1, 5, 5, 32))).shape)
    (1, 5, 5, 32)
    """

    def __init__(self, blocks=5, width=256, **kwargs):
        super().__init__(**kwargs)
        for name, value in (("blocks", blocks), ("width", width)):
            if int(value) != value or value < 1:
                raise ValueError(f"`{name}` must be a positive whole number. Received: {name}={value}")
        self.blocks = blocks
        self.width = width

    def build(self, input_shape):
        latent_dim = input_shape[-1]
        # They hold the weights; `side_by_side` applies them.
        self.block_layers = [
            [
                self._convolution(f"block{index}_reduce", (1, 1), latent_dim, self.width),
                self._convolution(f"block{index}_row", (1, 3), self.width, self.width, "same"),
                self._convolution(f"block{index}_down", (2, 1), self.width, self.width),
                self._convolution(f"block{index}_expand", (1, 1), self.width, latent_dim),
            ]
            for index in range(self.blocks)
        ]

    def _convolution(self, name, kernel, inputs, outputs, padding="valid"):
        layer = Convolution(outputs, kernel, padding=padding, dtype=self.dtype_policy, name=name)
        layer.build((None, None, None, inputs))
        return layer

    def call(self, latents):
        return side_by_side([self], [latents])[0]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "blocks": self.blocks, "width": self.width}


def side_by_side(networks, grids):
    """Runs several networks of one size at once, each on a grid of its own.

    Grids are small and convolutions on them short, so that much of a network's
    time would go into starting them. Here the networks' convolutions of a kind
    are one batch of products of matrices: taps lie side by side as channels.

    Args:
        networks: Built `ContextNetwork`s, `G` of them, alike but for their weights.
        grids: As many tensors `[B, rows, cols, D]`, all of one shape.

    Returns:
        Tensor `[G, B, rows, cols, D]`, what each network says of its grid, in
        their compute dtype.
    """
    context = ops.cast(ops.stack(grids), networks[0].compute_dtype)
    for layers in zip(*(network.block_layers for network in networks), strict=True):
        reduce, row, down, expand = zip(*layers, strict=True)
        hidden = ops.relu(_products(reduce, context))
        hidden = _products(row, _taps(hidden, axis=3, before=1, after=1))
        hidden = ops.relu(_products(down, _taps(hidden, axis=2, before=1)))  # the zero row on top
        context = context + _products(expand, hidden)
    return ops.relu(context)


def _products(layers, values):
    """What convolutions of one size make of `[G, …, C]`, each of its own slice; their taps lie in `C`, in order."""
    inputs, outputs = values.shape[-1], layers[0].kernel.shape[-1]
    kernels = ops.stack([ops.cast(ops.reshape(layer.kernel, (inputs, outputs)), values.dtype) for layer in layers])
    biases = ops.expand_dims(ops.stack([ops.cast(layer.bias, values.dtype) for layer in layers]), 1)
    flat = ops.reshape(values, (len(layers), -1, inputs))
    return ops.reshape(ops.matmul(flat, kernels) + biases, (*ops.shape(values)[:-1], outputs))


def _taps(values, axis, before, after=0):
    """What a kernel along an axis sees at each place, its taps side by side as channels; zeros beyond the edges."""
    padded = ops.pad(values, [(before, after) if each == axis else (0, 0) for each in range(len(values.shape))])
    start = np.eye(len(values.shape), dtype="int32")[axis]
    # `ops.slice`: the gradient of an indexed slice is slow in TensorFlow.
    return ops.concatenate([ops.slice(padded, tap * start, ops.shape(values)) for tap in range(before + 1 + after)], -1)

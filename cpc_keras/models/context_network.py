"""The masked convolutional network that sums up what lies above."""

import keras
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

    Other directions are had by rotating the grid, see `CPC`.

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
        context = latents
        for reduce, row, down, expand in self.block_layers:
            hidden = row(ops.relu(reduce(context)))
            hidden = ops.pad(hidden, ((0, 0), (1, 0), (0, 0), (0, 0)))  # the zero row on top
            context = context + expand(ops.relu(down(hidden)))
        return ops.relu(context)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "blocks": self.blocks, "width": self.width}

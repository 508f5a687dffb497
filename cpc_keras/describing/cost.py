"""What a CPC model costs: weights, floating-point operations and memory, by arithmetic.

A floating-point operation is a multiplication or an addition, so a multiply-add
counts as two. Counted are convolutions and matrix products; norms, ReLUs,
pooling and augmentation add a few per cent of operations, and rather more time.

For the backward pass a convolution or matrix product keeps its input, a ReLU its
output (mostly the same numbers, counted once), max pooling both, and a norm its
input in float32. That is the least: measured on ResNet-50 steps on a processor,
memory grew by 1.2 to 1.8 times as much with each patch, gradients under way and
workspace included.
"""

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor

import keras

from cpc_keras.layers.spatial_layer_normalization import SpatialLayerNormalization
from cpc_keras.models.directions import QUARTER_TURNS

# Forward and backward: gradients of a product's two sides cost as much as it does, each.
# The encoder's first convolution needs none for its input; it is counted all the same.
STEP_FACTOR = 3
_FLOAT32 = 4


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a part of a model costs.

    Attributes:
        parameters: Weights, whether trained or not.
        flops: Floating-point operations of a forward pass.
        values: Numbers kept for the backward pass in the precision of computation.
        norm_values: Numbers kept for it in float32, by norms.
    """

    parameters: int = 0
    flops: int = 0
    values: int = 0
    norm_values: int = 0

    def __add__(self, other):
        return Cost(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)))

    def applied(self, times):
        """The cost of applying the part `times` times, with the same weights."""
        return Cost(self.parameters, self.flops * times, self.values * times, self.norm_values * times)

    def kept_bytes(self, width):
        """Bytes kept for the backward pass, `width` for each number outside of norms."""
        return width * self.values + _FLOAT32 * self.norm_values


def without_weights(build):
    """Builds a model whose weights have shapes and no values.

    A network of 300 million weights takes part of a second and no memory.

    Args:
        build: Function without arguments that returns a `keras.Model`.

    Returns:
        What it returns; good for shapes, names and counts only.

    Example:

    >>> from cpc_keras.models import ResNet170
    >>> without_weights(lambda: ResNet170(stacks=4)).count_params()
    326467136
    """

    def sketch():
        with keras.StatelessScope(initialize_variables=False):
            return build()

    # Keras keeps a list, for each thread, of variables that still want a value.
    # In a thread of its own it goes with the thread, and none is ever made.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(sketch).result()


def encoder_cost(encoder):
    """What an encoder costs for one patch.

    Args:
        encoder: A functional `keras.Model`, built for patches of a fixed size.

    Returns:
        A `Cost`.

    Raises:
        ValueError: If the encoder's input size is open.

    Example:

    >>> from cpc_keras.models import ResNet
    >>> encoder_cost(ResNet((8,), (1,), stem="small", normalization="none", input_shape=(4, 4, 1)))
    Cost(parameters=1224, flops=39168, values=400, norm_values=0)
    """
    if None in encoder.input_shape[1:]:
        raise ValueError(f"`encoder` must be built for a fixed size. Received: input_shape={encoder.input_shape}")
    flops = norm_values = 0
    kept: dict[int, int] = {}
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            flops += 2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
            tensors = [layer.input]
        elif isinstance(layer, keras.layers.Activation):
            tensors = [layer.output]
        elif isinstance(layer, keras.layers.MaxPooling2D | keras.layers.GlobalMaxPooling2D):
            tensors = [layer.input, layer.output]
        else:
            tensors = []
        kept |= {id(tensor): math.prod(tensor.shape[1:]) for tensor in tensors}
        if isinstance(layer, SpatialLayerNormalization | keras.layers.BatchNormalization):
            norm_values += math.prod(layer.output.shape[1:])
    return Cost(encoder.count_params(), flops, sum(kept.values()), norm_values)


def context_cost(rows, cols, latent_dim, blocks=5, width=256):
    """What one `ContextNetwork` costs for one image.

    Args:
        rows: Rows of the grid.
        cols: Columns of the grid.
        latent_dim: Channels `D` of the codes.
        blocks: Residual blocks.
        width: Channels inside a block.

    Returns:
        A `Cost`.

    Example:

    >>> context_cost(rows=1, cols=1, latent_dim=2, blocks=1, width=1)
    Cost(parameters=14, flops=18, values=11, norm_values=0)
    """
    cells = rows * cols
    kernels = 2 * latent_dim * width + (3 + 2) * width * width
    biases = 3 * width + latent_dim
    values = cells * (latent_dim + (1 + 3 + 2 + 1) * width)  # taps lie side by side: three along a row, two down
    block = Cost(kernels + biases, 2 * kernels * cells, values)
    return Cost(blocks * block.parameters, blocks * block.flops, blocks * block.values + cells * latent_dim)


def dense_cost(cells, inputs, outputs, bias=True):
    """What a `Dense` layer costs that is applied to `cells` vectors.

    Example:

    >>> dense_cost(cells=10, inputs=4, outputs=2)
    Cost(parameters=10, flops=160, values=40, norm_values=0)
    """
    return Cost(inputs * outputs + bias * outputs, 2 * cells * inputs * outputs, cells * inputs)


def queries(rows, cols, directions, offsets):
    """Predictions of one image, by task.

    Returns:
        A dictionary from names as in `"down_2"` to numbers of predictions.

    Example:

    >>> queries(5, 4, ("down", "left"), (3,))
    {'down_3': 8, 'left_3': 5}
    """
    sides = {name: (cols, rows) if QUARTER_TURNS[name] % 2 else (rows, cols) for name in directions}
    return {f"{name}_{k}": (ahead - k) * across for name, (ahead, across) in sides.items() for k in offsets}


def parts(recipe, encoder, rows, cols):
    """What each part of a recipe's model costs for one image.

    Args:
        recipe: A resolved `Recipe`.
        encoder: Its encoder, built for patches of the recipe's size.
        rows: Rows of the grid.
        cols: Columns of the grid.

    Returns:
        A dictionary of `Cost`: `"encoder"`, `"context_down"` and so on,
        `"predictors"`, `"targets"`. Logits are not among them: they depend on
        the batch, see `logits_cost`.
    """
    latent_dim = encoder.output_shape[-1]
    found = {"encoder": encoder_cost(encoder).applied(rows * cols)}
    for direction in recipe.directions:
        turned = (cols, rows) if QUARTER_TURNS[direction] % 2 else (rows, cols)
        found[f"context_{direction}"] = context_cost(*turned, latent_dim, recipe.context_blocks, recipe.context_width)
    asked = queries(rows, cols, recipe.directions, recipe.offsets).values()
    found["predictors"] = sum((dense_cost(count, latent_dim, recipe.target_dim) for count in asked), Cost())
    found["targets"] = dense_cost(rows * cols, latent_dim, recipe.target_dim, bias=False)
    return found


def logits_cost(query_count, candidates, target_dim):
    """What the logits `[Q, N]` of one task cost, for a whole batch.

    Args:
        query_count: Predictions `Q` of the batch.
        candidates: Targets `N` of the batch.
        target_dim: Dimension `d` in which they meet.

    Returns:
        A `Cost`.

    Example:

    The published batch of 512 on a grid of 6 × 6, three rows ahead:

    >>> logits_cost(512 * 3 * 6, 512 * 6 * 6, 64).values * 4 / 2**20
    648.0
    """
    return Cost(0, 2 * query_count * candidates * target_dim, query_count * candidates)


def state_memory(trainable, fixed=0, averaged=False, accumulated=False):
    """Bytes of weights and what the optimizer keeps beside them, in float32.

    Args:
        trainable: Trained weights.
        fixed: Weights that are not trained, such as batch norm's statistics.
        averaged: Whether a Polyak average is kept.
        accumulated: Whether gradients are added up over batches.

    Returns:
        A dictionary of bytes: `"weights"`, `"gradients"`, `"adam"` (two moments),
        `"average"`, `"accumulation"`.

    Example:

    >>> state_memory(trainable=100, averaged=True)
    {'weights': 400, 'gradients': 400, 'adam': 800, 'average': 400, 'accumulation': 0}
    """
    return {
        "weights": _FLOAT32 * (trainable + fixed),
        "gradients": _FLOAT32 * trainable,
        "adam": 2 * _FLOAT32 * trainable,
        "average": _FLOAT32 * trainable * averaged,
        "accumulation": _FLOAT32 * trainable * accumulated,
    }

"""Layer normalisation of feature maps in few passes over them, for training."""

import math

from keras import ops

from cpc_keras.backend import kernels
from cpc_keras.backend.compute import COMPILES, compiled

# Elements of a batch of maps from which on compiling is worth its time, and the examples of a
# batch whose size is not known.
_LARGE, _USUAL_BATCH = 2**19, 256


def worth_fusing(shape):
    """Whether maps `[N, h, w, C]` are so large, and of so fixed a size, that `fused_normalization` pays.

    Each size is compiled anew, so free ones stay with plain operations; exported
    models have such.
    """
    batch, *inner = shape
    return (
        kernels.enabled("layer_norm")
        and COMPILES
        and None not in inner
        and math.prod(inner) * (batch or _USUAL_BATCH) >= _LARGE
    )


def fused_normalization(maps, gamma, beta, epsilon):
    """Normalises each map by its mean and variance over space and channels.

    Forwards and backwards read or write the maps ten times in all, in their own
    dtype; operation by operation it would be some thirty times, most of them in
    float32. Sums run over rows first, where the compiler can add up long vectors.

    Args:
        maps: Float tensor `[N, h, w, C]`.
        gamma: Float32 tensor `[C]`, the scale.
        beta: Float32 tensor `[C]`, the offset.
        epsilon: Added to the variance.

    Returns:
        Tensor like `maps`.
    """

    @ops.custom_gradient
    def normalized(maps, gamma, beta):
        mean, variance = _moments(maps)  # [N]
        scale = ops.rsqrt(variance + epsilon)
        out = _normalize(maps, mean, scale[:, None] * gamma, beta)

        def gradient(*arguments, upstream=None):
            upstream = arguments[0] if upstream is None else upstream
            of_beta, by_distance = _sums(maps, mean, upstream)  # [N, C]
            of_gamma = by_distance * scale[:, None]
            elements = math.prod(maps.shape[1:])
            # What moves the mean of a map, or stretches it, is normalised away.
            shift = scale * ops.sum(of_beta * gamma, axis=1) / elements
            stretch = ops.square(scale) * ops.sum(of_gamma * gamma, axis=1) / elements
            of_maps = _combine(maps, mean, upstream, scale[:, None] * gamma, stretch, shift)
            return of_maps, ops.sum(of_gamma, axis=0), ops.sum(of_beta, axis=0)

        return out, gradient

    return normalized(maps, ops.copy(gamma), ops.copy(beta))  # values: TensorFlow refuses variables here


def _wide(values):
    return ops.cast(values, "float32")


def _of_examples(values):
    """`[N]` to `[N, 1, 1, 1]`."""
    return values[:, None, None, None]


def _over_rows(values):
    """Sums `[N, h, w, C]` to `[N, w C]`."""
    _, height, width, channels = values.shape
    return ops.sum(ops.reshape(values, (-1, height, width * channels)), axis=1)


@compiled
def _row_sums(maps):
    return _over_rows(_wide(maps))


@compiled
def _row_squares(maps, mean):
    return _over_rows(ops.square(_wide(maps) - _of_examples(mean)))


def _moments(maps):
    elements = math.prod(maps.shape[1:])
    mean = ops.sum(_row_sums(maps), axis=1) / elements
    return mean, ops.sum(_row_squares(maps, mean), axis=1) / elements


@compiled
def _normalize(maps, mean, scale, offset):
    """`scale` is `[N, C]`."""
    return ops.cast((_wide(maps) - _of_examples(mean)) * scale[:, None, None] + offset, maps.dtype)


@compiled
def _row_products(maps, mean, upstream):
    wide = _wide(upstream)
    return _over_rows(wide), _over_rows(wide * (_wide(maps) - _of_examples(mean)))


def _sums(maps, mean, upstream):
    """Over space: of the upstream gradient, and of its product with the distances from the mean."""
    _, _, width, channels = maps.shape
    sums = _row_products(maps, mean, upstream)
    return tuple(ops.sum(ops.reshape(values, (-1, width, channels)), axis=1) for values in sums)


@compiled
def _combine(maps, mean, upstream, scale, stretch, shift):
    distances = _wide(maps) - _of_examples(mean)
    gradient = _wide(upstream) * scale[:, None, None] - distances * _of_examples(stretch) - _of_examples(shift)
    return ops.cast(gradient, maps.dtype)

"""How far the codes spread: the number that shows a collapse."""

import math

from keras import ops


def embedding_std(latents, all_reduce_sum=lambda values: values):
    """How far the codes spread over the sphere: 0 is collapse, 1 is isotropic.

    The standard deviation over all locations of each channel of the
    length-normalised codes, averaged over channels, times `sqrt(D)`.

    Args:
        latents: Float tensor `[..., D]`.
        all_reduce_sum: Function that sums a tensor over replicas, each of
            which has latents of its own.

    Returns:
        Float32 scalar.

    Reference:
        Chen and He 2020, arXiv 2011.10566, figure 2.

    Example:

    >>> import numpy as np
    >>> round(float(embedding_std(np.ones((10, 16), "float32"))), 3)
    0.0
    """
    dim = latents.shape[-1]
    flat = ops.reshape(ops.cast(latents, "float32"), (-1, dim))
    unit = flat * ops.rsqrt(ops.sum(ops.square(flat), axis=-1, keepdims=True) + 1e-12)
    count = all_reduce_sum(ops.cast(ops.shape(unit)[0], "float32"))
    centred = unit - all_reduce_sum(ops.sum(unit, axis=0)) / count
    variance = all_reduce_sum(ops.sum(ops.square(centred), axis=0)) / count
    return ops.mean(ops.sqrt(variance)) * math.sqrt(dim)

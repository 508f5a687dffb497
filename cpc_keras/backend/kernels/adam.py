"""Adam's update of a large weight, and of its average, in one compiled pass."""

import math

from keras import ops

from cpc_keras.backend import kernels
from cpc_keras.backend.compute import COMPILES, compiled

# Elements of a weight from which on compiling its update is worth its time.
_LARGE = 2**14


def pays(variable):
    """Whether `update` is faster than Keras' own update of a weight."""
    return kernels.enabled("adam") and COMPILES and math.prod(variable.shape) >= _LARGE


@compiled
def update(gradient, kept, rate, decay, beta_1, beta_2, epsilon):
    """Momentum, velocity, weight and, where it is kept, average after an update.

    Args:
        gradient: Tensor like the weight.
        kept: `[momentum, velocity, weight]`, or these and the average.
        rate: Learning rate, corrected for the bias of both moments.
        decay: Share of the average that the update keeps.
        beta_1: Decay of the momentum.
        beta_2: Decay of the velocity.
        epsilon: Added to the root of the velocity.

    Returns:
        The new values, in the order of `kept`.

    Reference:
        Kingma and Ba 2014, arXiv 1412.6980, end of section 2.
    """
    momentum, velocity, weight, *averages = kept
    gradient = ops.cast(gradient, weight.dtype)
    momentum = momentum + (gradient - momentum) * (1.0 - beta_1)
    velocity = velocity + (ops.square(gradient) - velocity) * (1.0 - beta_2)
    weight = weight - ops.cast(rate, weight.dtype) * momentum / (ops.sqrt(velocity) + epsilon)
    averages = [average + ops.cast(1.0 - decay, average.dtype) * (weight - average) for average in averages]
    return [momentum, velocity, weight, *averages]

"""Virtual adversarial training: no small change of an image may change what is said of it much."""

import keras
from keras import ops

from cpc_keras.backend.compute import gradient_of
from cpc_keras.semi_supervised.divergence import kl_divergence
from cpc_keras.semi_supervised.term import Term


def to_unit_length(values):
    """Each entry of a batch divided by its L2 norm over all other axes; what is 0 stays 0.

    Args:
        values: Float tensor `[B, …]`.

    Returns:
        Float32 tensor of the same shape.
    """
    values = ops.cast(values, "float32")
    axes = tuple(range(1, len(values.shape)))
    largest = ops.max(ops.abs(values), axis=axes, keepdims=True)  # squares of small gradients would be 0 in float32
    values = values / ops.maximum(largest, 1e-30)
    return values / ops.maximum(ops.sqrt(ops.sum(ops.square(values), axis=axes, keepdims=True)), 1e-12)


def adversarial_direction(logits_of, images, logits, noise, xi=0.1, iterations=1):
    """The direction in which a small step changes what is said of an image most.

    Power iteration on the Hessian of `KL(p(x) ‖ p(x + ξ d))` at `d = 0`, each step
    `d ← ∇_d KL / ‖∇_d KL‖`, from noise.

    Args:
        logits_of: Function from images to logits `[B, classes]`, by the same dropout
            masks as `logits`.
        images: Float tensor `[B, …]`.
        logits: Float tensor `[B, classes]` of these, not differentiated.
        noise: Float tensor like `images`, where the iteration begins.
        xi: Length `ξ` of the step at which gradients are taken. The papers' 1e-6 is little
            beside hundreds of values near 1 in float32, and nothing in bfloat16, which
            wants 1.
        iterations: How often.

    Returns:
        Float32 tensor like `images`, each of L2 norm 1, or 0 where nothing changes
        anything; not differentiated.

    Reference:
        Miyato et al. 2018, arXiv 1704.03976, equations 9 to 14.

    Example:

    A linear network on two values, whose prediction depends on the second alone:

    >>> import numpy as np
    >>> def logits_of(x):
    ...     return ops.concatenate([0.0 * x[:, :1], x[:, 1:]], axis=-1)
    >>> images, noise = np.zeros((1, 2), "float32"), np.ones((1, 2), "float32")
    >>> direction = adversarial_direction(logits_of, images, logits_of(images), noise)
    >>> [round(abs(float(value)), 2) for value in direction[0]]
    [0.0, 1.0]
    """
    direction = to_unit_length(noise)
    for _ in range(iterations):

        def divergence(towards):
            return ops.sum(kl_divergence(logits, logits_of(images + xi * towards)))

        direction = to_unit_length(gradient_of(divergence, direction))
    return ops.stop_gradient(direction)


class VAT(Term):
    """What a small adversarial change of each image changes, labelled images included.

    `KL(p(x) ‖ p(x + ε d))`, `d` the `adversarial_direction`. Perturbed passes see the
    same dropout masks, and move no statistics of batch norm.

    Args:
        weight: Its weight.
        epsilon: L2 norm `ε` of the change, in the images' units: 0.5 to 1.5 for images of
            28 × 28 values in `[0, 1]`, more with the root of the number of values.
        xi: As of `adversarial_direction`.
        iterations: The same.

    Raises:
        ValueError: If `epsilon` or `xi` is not positive, or there is no iteration.

    Reference:
        Miyato et al. 2018, arXiv 1704.03976.
    """

    name = "vat"

    def __init__(self, weight=1.0, epsilon=1.0, xi=0.1, iterations=1):
        super().__init__(weight)
        for name, value in (("epsilon", epsilon), ("xi", xi), ("iterations", iterations)):
            if not value > 0:
                raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
        self.epsilon = epsilon
        self.xi = xi
        self.iterations = iterations

    def __call__(self, batch):
        noise = keras.random.normal(ops.shape(batch.everything), seed=batch.seed)
        direction = adversarial_direction(
            batch.logits_again, batch.everything, batch.all_logits, noise, self.xi, self.iterations
        )
        changed = batch.logits_again(batch.everything + self.epsilon * direction)
        return ops.mean(kl_divergence(batch.all_logits, changed))

"""How far one prediction is from another."""

from keras import ops

# Probabilities below which logarithms are those of this one.
_LEAST = 1e-12


def log_of(probabilities):
    """Logarithms of probabilities, float32 and finite.

    Args:
        probabilities: Float tensor in `[0, 1]`.

    Example:

    >>> [round(float(one), 2) for one in log_of([1.0, 0.5, 0.0])]
    [0.0, -0.69, -27.63]
    """
    return ops.log(ops.maximum(ops.cast(probabilities, "float32"), _LEAST))


def kl_divergence(targets, logits):
    """`KL(p ‖ q) = Σ_c p_c (ln p_c − ln q_c)` of each image, `p` and `q` the softmax of logits.

    Computed from logits, where no probability is rounded to 0. Targets are not
    differentiated.

    Args:
        targets: Float tensor `[B, classes]`, logits of `p`.
        logits: Float tensor `[B, classes]`, logits of `q`.

    Returns:
        Float32 tensor `[B]`, at least 0.

    Example:

    >>> [round(float(one), 4) for one in kl_divergence([[0.0, 0.0], [9.0, 0.0]], [[2.0, 0.0], [9.0, 0.0]])]
    [0.4338, 0.0]
    """
    known = ops.stop_gradient(ops.log_softmax(ops.cast(targets, "float32"), axis=-1))
    said = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    found = ops.sum(ops.exp(known) * (known - said), axis=-1)
    # Near 0 rounding may say a little less; the gradient there, which VAT follows, must not be lost.
    return found + ops.stop_gradient(ops.maximum(found, 0.0) - found)


def confident(logits, threshold):
    """1 where the likeliest class has a probability above a threshold, else 0; not differentiated.

    Args:
        logits: Float tensor `[B, classes]`.
        threshold: In `[0, 1]`.

    Returns:
        Float32 tensor `[B]`.
    """
    probabilities = ops.softmax(ops.cast(logits, "float32"), axis=-1)
    return ops.stop_gradient(ops.cast(ops.max(probabilities, axis=-1) > threshold, "float32"))


def hard_cross_entropy(targets, logits):
    """`−ln q_c` of each image, `c` the likeliest class of other logits, which are not differentiated.

    Args:
        targets: Float tensor `[B, classes]`, the logits whose likeliest class it is.
        logits: Float tensor `[B, classes]`, logits of `q`.

    Returns:
        Float32 tensor `[B]`, at least 0.
    """
    said = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    likeliest = ops.one_hot(ops.argmax(ops.stop_gradient(targets), axis=-1), ops.shape(logits)[-1])
    return -ops.sum(likeliest * said, axis=-1)

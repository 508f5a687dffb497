"""The contrastive loss: pick the true target out of all candidates."""

from keras import ops

from cpc_keras.backend.compute import accelerated
from cpc_keras.losses.streaming import streamed_cross_entropy

# Logits up to which the whole matrix is taken, 16 MiB of float32; it is held several times over. On a CPU it is slower
# from there on. On an accelerator it is faster wherever it fits, so it may be larger there, but not as large as that.
_SMALL, _SMALL_ACCELERATED = 2**22, 2**25


def info_nce_and_accuracy(predictions, targets, positives):
    """`info_nce` and the share of queries whose true target scores highest.

    Args:
        predictions: Float tensor `[Q, d]`.
        targets: Float tensor `[N, d]`: every location of every image of the batch.
        positives: Integer tensor `[Q]`, values in `[0, N)`.

    Returns:
        `(loss, accuracy)`, two float32 scalars. A tie with the true target
        counts as a hit.

    Example:

    >>> import numpy as np
    >>> _, accuracy = info_nce_and_accuracy(np.eye(3), np.eye(3), np.array([0, 1, 0]))
    >>> round(float(accuracy), 2)
    0.67
    """
    predictions = ops.cast(predictions, "float32")
    targets = ops.cast(targets, "float32")
    positives = ops.cast(positives, "int32")
    count, candidates = ops.shape(predictions)[0], ops.shape(targets)[0]
    small = _SMALL_ACCELERATED if accelerated() else _SMALL
    if isinstance(count, int) and isinstance(candidates, int) and count * candidates <= small:
        losses, hits = _cross_entropy(predictions, targets, positives)
    else:
        losses, hits = streamed_cross_entropy(predictions, targets, positives)
    return ops.mean(losses), ops.mean(hits)


def _cross_entropy(predictions, targets, positives):
    """What `streamed_cross_entropy` gives, by way of the whole matrix."""
    logits = ops.matmul(predictions, ops.transpose(targets))  # [Q, N]
    positive = ops.squeeze(ops.take_along_axis(logits, ops.expand_dims(positives, -1), axis=-1), axis=-1)  # [Q]
    hits = ops.cast(positive >= ops.max(logits, axis=-1), "float32")
    return ops.logsumexp(logits, axis=-1) - positive, hits


def info_nce(predictions, targets, positives):
    """Cross-entropy of picking each prediction's true target among all targets.

    `mean_q [ -log softmax_n( predictions[q] · targets[n] ) at n = positives[q] ]`,
    computed from logits in float32, whatever the inputs' dtype. Neither side is
    normalised. With no information the loss is `ln N`. Where the `[Q, N]` logits
    would be many, or how many is not known beforehand, they are streamed in
    blocks: see `cpc_keras.losses.streaming`.

    Args:
        predictions: Float tensor `[Q, d]`.
        targets: Float tensor `[N, d]`: every location of every image of the batch.
        positives: Integer tensor `[Q]`, values in `[0, N)`.

    Returns:
        Float32 scalar, at least 0.

    Reference:
        van den Oord et al. 2018, arXiv 1807.03748, equation 4.

    Example:

    >>> import numpy as np
    >>> loss = info_nce(np.zeros((3, 8)), np.ones((100, 8)), np.array([4, 9, 2]))
    >>> bool(abs(float(loss) - np.log(100)) < 1e-5)
    True
    """
    return info_nce_and_accuracy(predictions, targets, positives)[0]

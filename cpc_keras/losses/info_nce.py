"""The contrastive loss: pick the true target out of all candidates."""

from keras import ops


def info_nce_and_accuracy(predictions, targets, positives):
    """`info_nce` and the share of queries whose true target scores highest.

    Args:
        predictions: As for `info_nce`.
        targets: As for `info_nce`.
        positives: As for `info_nce`.

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
    logits = ops.matmul(predictions, ops.transpose(targets))  # [Q, N]
    chosen = ops.cast(ops.expand_dims(positives, -1), "int32")
    positive = ops.squeeze(ops.take_along_axis(logits, chosen, axis=-1), axis=-1)  # [Q]
    loss = ops.mean(ops.logsumexp(logits, axis=-1) - positive)
    hits = ops.cast(positive >= ops.max(logits, axis=-1), "float32")
    return loss, ops.mean(hits)


def info_nce(predictions, targets, positives):
    """Cross-entropy of picking each prediction's true target among all targets.

    `mean_q [ -log softmax_n( predictions[q] · targets[n] ) at n = positives[q] ]`,
    computed from logits in float32, whatever the inputs' dtype. Neither side is
    normalised. With no information the loss is `ln N`.

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

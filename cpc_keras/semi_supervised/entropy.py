"""Entropy minimisation: the boundary between classes is to lie where there are few images."""

from keras import ops

from cpc_keras.semi_supervised.term import Term


def entropy(logits):
    """`−Σ_c p_c ln p_c` of each image's prediction.

    Args:
        logits: Float tensor `[B, classes]`.

    Returns:
        Float32 tensor `[B]`, from 0 to `ln classes`.

    Reference:
        Grandvalet and Bengio 2004, equation 5; as a term beside VAT, Miyato et al. 2018,
        arXiv 1704.03976, equation 17.

    Example:

    >>> [round(float(one), 4) for one in entropy([[0.0, 0.0], [9.0, 0.0]])]
    [0.6931, 0.0012]
    """
    said = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    return -ops.sum(ops.exp(said) * said, axis=-1)


class Entropy(Term):
    """`entropy` of the predictions on the unlabelled images.

    Args:
        weight: Its weight.
    """

    name = "entropy"

    def __call__(self, batch):
        return ops.mean(entropy(batch.unlabelled_logits))

"""Pseudo-labels: what the network is sure of is taken for the truth."""

from keras import ops

from cpc_keras.semi_supervised.divergence import confident, hard_cross_entropy
from cpc_keras.semi_supervised.term import Term


def pseudo_label(logits, threshold=0.95):
    """Cross-entropy of each image to the class that the network itself finds likeliest, where it is sure of it.

    `1[max_c p_c > threshold] · (−ln p_ĉ)`, `ĉ` the arg max of `p`; 0 below the
    threshold.

    Args:
        logits: Float tensor `[B, classes]` of images without labels.
        threshold: Probability above which the network counts as sure, in `[0, 1]`.

    Returns:
        Float32 tensor `[B]`, at least 0.

    Reference:
        Lee 2013, equation 15; the threshold and its default are those of Oliver et al.
        2018, arXiv 1804.09170.

    Example:

    >>> [round(float(one), 4) for one in pseudo_label([[4.0, 0.0], [1.0, 0.0]])]
    [0.0181, 0.0]
    """
    return confident(logits, threshold) * hard_cross_entropy(logits, logits)


class PseudoLabel(Term):
    """`pseudo_label` on the unlabelled images, its weight raised over the whole training.

    Args:
        weight: Weight at the end.
        threshold: As of `pseudo_label`.
        ramp: Whether the weight at a share `t` of the steps is `exp(−5 (1 − t)²)` times
            the last; else it is the same from the beginning.
    """

    name = "pseudo_label"

    def __init__(self, weight=1.0, threshold=0.95, ramp=True):
        super().__init__(weight)
        self.threshold = threshold
        self.ramp = ramp

    def __call__(self, batch):
        loss = ops.mean(pseudo_label(batch.unlabelled_logits, self.threshold))
        return ops.exp(-5.0 * ops.square(1.0 - batch.share)) * loss if self.ramp else loss

"""FixMatch: the likeliest class of an image is the label of its strongly changed copy."""

from keras import ops

from cpc_keras.semi_supervised.divergence import confident, hard_cross_entropy
from cpc_keras.semi_supervised.term import Term


def fixmatch(logits, strong_logits, threshold=0.95):
    """Cross-entropy of a strongly changed image to the class that the image itself is surely of.

    `1[max_c p_c > threshold] · (−ln q_ĉ)`, `p` the probabilities of the image, `ĉ`
    their arg max and `q` those of the changed one. Neither `p` nor `ĉ` is differentiated.

    Args:
        logits: Float tensor `[B, classes]` of images, changed weakly.
        strong_logits: Float tensor `[B, classes]` of the same images, changed strongly.
        threshold: In `[0, 1]`.

    Returns:
        Float32 tensor `[B]`, at least 0.

    Reference:
        Sohn et al. 2020, arXiv 2001.07685, equation 4.

    Example:

    >>> [round(float(one), 4) for one in fixmatch([[4.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]])]
    [0.6931, 0.0]
    """
    return confident(logits, threshold) * hard_cross_entropy(logits, strong_logits)


class FixMatch(Term):
    """`fixmatch` on the unlabelled images.

    Args:
        weight: Its weight.
        threshold: As of `fixmatch`.
    """

    name = "fixmatch"
    needs_strong = True

    def __init__(self, weight=1.0, threshold=0.95):
        super().__init__(weight)
        self.threshold = threshold

    def __call__(self, batch):
        return ops.mean(fixmatch(batch.unlabelled_logits, batch.strong_logits, self.threshold))

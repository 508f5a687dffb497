"""Pseudo-labels: what the network is sure of is taken for the truth."""

from keras import ops

from cpc_keras.semi_supervised.divergence import confident, hard_cross_entropy, kl_divergence, log_of
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


def given_label(targets, logits, temperature=0.5):
    """Divergence of what is said of each image from what an earlier classifier said of it.

    `KL(p^(1/temperature) / Z ‖ q)`, `p` the probabilities that were given and `q` those of
    the logits.

    Args:
        targets: Float tensor `[B, classes]`, probabilities.
        logits: Float tensor `[B, classes]` of the same images.
        temperature: Below 1 targets are sharpened, towards their likeliest class.

    Returns:
        Float32 tensor `[B]`, at least 0.

    Reference:
        The first of the two ways of Zhai et al. 2019, arXiv 1905.03670, section 5: all
        unlabelled images are labelled once, and a network is trained on all of them; where a
        graph labels them, Iscen et al. 2019, arXiv 1904.04717.

    Example:

    >>> [round(float(one), 4) for one in given_label([[0.8, 0.2], [0.5, 0.5]], [[0.0, 0.0], [0.0, 0.0]])]
    [0.4694, 0.0]
    """
    return kl_divergence(log_of(targets) / temperature, logits)


class PseudoLabel(Term):
    """Of unlabelled images of which something was said beforehand, `given_label`; of others, `pseudo_label`.

    The weight of the latter is raised over the whole training.

    Args:
        weight: Weight at the end.
        threshold: As of `pseudo_label`.
        ramp: Whether the weight at a share `t` of the steps is `exp(−5 (1 − t)²)` times
            the last; else it is the same from the beginning.
        temperature: As of `given_label`.
    """

    name = "pseudo_label"

    def __init__(self, weight=1.0, threshold=0.95, ramp=True, temperature=0.5):
        super().__init__(weight)
        self.temperature = temperature
        self.threshold = threshold
        self.ramp = ramp

    def __call__(self, batch):
        if batch.targets is not None:
            return ops.mean(given_label(batch.targets, batch.unlabelled_logits, self.temperature))
        loss = ops.mean(pseudo_label(batch.unlabelled_logits, self.threshold))
        return ops.exp(-5.0 * ops.square(1.0 - batch.share)) * loss if self.ramp else loss

"""Unsupervised data augmentation: an image that is changed strongly stays what it was."""

from keras import ops

from cpc_keras.semi_supervised.divergence import confident, kl_divergence
from cpc_keras.semi_supervised.term import Term

SCHEDULES = ("linear", "log", "exp")


def uda(logits, strong_logits, threshold=0.8, temperature=0.4):
    """Divergence of what is said of a strongly changed image from what is said of the image itself.

    `1[max_c p_c > threshold] · KL(softmax(z / temperature) ‖ q)`, `z` and `p` the
    logits and probabilities of the image, `q` the probabilities of the changed one.
    The threshold is for `p` as it is, not sharpened; neither is differentiated.

    Args:
        logits: Float tensor `[B, classes]` of images, changed weakly or not at all.
        strong_logits: Float tensor `[B, classes]` of the same images, changed strongly.
        threshold: Probability above which an image takes part, in `[0, 1]`.
        temperature: Below 1 targets are sharpened.

    Returns:
        Float32 tensor `[B]`, at least 0.

    Reference:
        Xie et al. 2019, arXiv 1904.12848, section 3.

    Example:

    >>> [round(float(one), 4) for one in uda([[2.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [2.0, 0.0]])]
    [0.1001, 0.0]
    """
    logits = ops.stop_gradient(ops.cast(logits, "float32"))
    return confident(logits, threshold) * kl_divergence(logits / temperature, strong_logits)


def annealing_threshold(share, classes, schedule="linear"):
    """Probability of the true class above which a labelled image does not count any more.

    `α(t) (1 − 1/K) + 1/K`, `α` being `t` (`"linear"`), `1 − exp(−5 t)` (`"log"`) or
    `exp(5 (t − 1))` (`"exp"`, for few labels, which are learnt by heart quickly).

    Args:
        share: Share `t` of the steps that are done, a number or float tensor in `[0, 1]`.
        classes: Their number, `K`.
        schedule: One of `SCHEDULES`.

    Returns:
        Float tensor in `[1/K, 1]`.

    Raises:
        ValueError: If the schedule is unknown.

    Reference:
        Xie et al. 2019, arXiv 1904.12848, section 4 (training signal annealing).

    Example:

    >>> [round(float(annealing_threshold(0.5, 10, one)), 3) for one in SCHEDULES]
    [0.55, 0.926, 0.174]
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"`schedule` must be one of {SCHEDULES}. Received: schedule={schedule!r}")
    alpha = {
        "linear": lambda: share,
        "log": lambda: 1.0 - ops.exp(-5.0 * share),
        "exp": lambda: ops.exp(5.0 * (share - 1.0)),
    }[schedule]()
    return alpha * (1.0 - 1.0 / classes) + 1.0 / classes


class UDA(Term):
    """`uda` on the unlabelled images, and perhaps labelled images that are left out once they are learnt.

    Args:
        weight: Its weight.
        threshold: As of `uda`.
        temperature: As of `uda`.
        annealing: One of `SCHEDULES`, or `None` for labelled images that always count.
    """

    name = "uda"
    needs_strong = True

    def __init__(self, weight=1.0, threshold=0.8, temperature=0.4, annealing=None):
        super().__init__(weight)
        if annealing is not None:
            annealing_threshold(0.0, 2, annealing)
        self.threshold = threshold
        self.temperature = temperature
        self.annealing = annealing

    def __call__(self, batch):
        return ops.mean(uda(batch.unlabelled_logits, batch.strong_logits, self.threshold, self.temperature))

    def label_weights(self, batch):
        """1 for each labelled image that still counts, scaled so that their mean stays 1; `None` where all do."""
        if self.annealing is None:
            return None
        said = ops.log_softmax(ops.stop_gradient(batch.logits), axis=-1)
        classes = batch.logits.shape[-1]
        of_truth = ops.sum(ops.one_hot(batch.labels, classes) * said, axis=-1)
        threshold = annealing_threshold(batch.share, classes, self.annealing)
        kept = ops.cast(of_truth <= ops.log(threshold), "float32")
        return kept / ops.maximum(ops.mean(kept), 1e-6)

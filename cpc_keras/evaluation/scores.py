"""Figures of a classifier: on a test split, and on labels that were held out."""

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score, top_k_accuracy_score


def scores(labels, probabilities, classes):
    """Top-1, top-5 and balanced accuracy.

    Args:
        labels: Integer array `[N]`, the truth.
        probabilities: Float array `[N, len(classes)]`.
        classes: The label of each column.

    Returns:
        `{"top1", "top5", "balanced_accuracy"}`, rates in `[0, 1]`; `top5` is
        `None` with five classes or fewer, where it says nothing.

    Example:

    >>> import numpy as np
    >>> scores([0, 1, 1], np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), [0, 1])["top1"]
    0.6666666666666666
    """
    labels, classes = np.asarray(labels), np.asarray(classes)
    predicted = classes[np.argmax(probabilities, axis=1)]
    top5 = None
    if len(classes) > 5:
        top5 = float(top_k_accuracy_score(labels, probabilities, k=5, labels=classes))
    return {
        "top1": float(accuracy_score(labels, predicted)),
        "top5": top5,
        "balanced_accuracy": float(balanced_accuracy_score(labels, predicted)),
    }


def class_aucs(labels, probabilities):
    """Area under the ROC curve of each class against all others.

    Args:
        labels: Integer array `[N]`, columns of the true classes.
        probabilities: Float array `[N, classes]`.

    Returns:
        Float array `[classes]`, in `[0, 1]`: how often an image of the class has a
        higher probability of it than an image of another one. NaN where either is
        missing, or where a probability is no number.

    Example:

    >>> import numpy as np
    >>> class_aucs(np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.1, 0.9]])).tolist()
    [0.75, 0.75]
    """
    found = np.full(probabilities.shape[1], np.nan)
    if np.isfinite(probabilities).all():
        for one in np.unique(labels):
            own = labels == one
            if not own.all():
                found[one] = roc_auc_score(own, probabilities[:, one])
    return found


def mean_auc(aucs):
    """The mean of `class_aucs`, one against the rest, classes alike; of two classes their common one; or `None`."""
    defined = aucs[np.isfinite(aucs)]
    return float(defined.mean()) if len(defined) else None


def probability_scores(labels, probabilities):
    """How good probabilities are, not only the order of classes.

    Args:
        labels: Integer array `[N]`, columns of the true classes.
        probabilities: Float array `[N, classes]`.

    Returns:
        `{"log_loss", "calibration_error"}`: nats an image, each probability taken to be
        10⁻⁶ at least, and what `calibration_error` gives; `None` where a probability
        is no number.
    """
    if not np.isfinite(probabilities).all():
        return {"log_loss": None, "calibration_error": None}
    _, likelihoods = hits_and_likelihoods(labels, probabilities)
    return {
        "log_loss": float(-likelihoods.mean()),
        "calibration_error": calibration_error(labels, probabilities),
    }


def calibration_error(labels, probabilities, bins=15):
    """Expected calibration error: how far the sureness of what is said is from how often it is right.

    Args:
        labels: Integer array `[N]`, columns of the true classes.
        probabilities: Float array `[N, classes]`.
        bins: Number of bins of equal width for the highest probability of an image.

    Returns:
        A float in `[0, 1]`, the mean distance over images.

    Reference:
        Guo et al. 2017, arXiv 1706.04599, equation 3.

    Example:

    >>> import numpy as np
    >>> round(calibration_error(np.array([0, 0, 0, 1]), np.tile([0.9, 0.1], (4, 1))), 2)
    0.15
    """
    sureness = probabilities.max(axis=1).astype("float64")
    right = probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(sureness * bins).astype(int) - 1, 0, bins - 1)
    return float(np.abs(np.bincount(place, weights=right - sureness)).sum() / len(labels))


def balanced_score(labels, probabilities):
    """`(balanced accuracy, mean log-likelihood)`, classes alike.

    Args:
        labels: Integer array `[N]`.
        probabilities: Float array `[N, classes]`.
    """
    return tuple(balanced_mean(values, labels) for values in hits_and_likelihoods(labels, probabilities))


def hits_and_likelihoods(labels, probabilities):
    """`(hits [N], log-likelihoods [N])`; a label's probability is taken to be 10⁻⁶ at least.

    Args:
        labels: Integer array `[N]`.
        probabilities: Float array `[N, classes]`.
    """
    hits = probabilities.argmax(axis=1) == labels
    return hits, np.log(probabilities[np.arange(len(labels)), labels] + 1e-6)


def balanced_mean(values, labels):
    """The mean of values in which classes count alike.

    Args:
        values: Float array `[N]`.
        labels: Integer array `[N]`.

    Example:

    >>> import numpy as np
    >>> balanced_mean(np.array([1.0, 0.0, 0.0, 0.0]), np.array([5, 7, 7, 7]))
    0.5
    """
    return float(np.mean([values[labels == label].mean() for label in np.unique(labels)]))

"""Figures of a classifier: on a test split, and on labels that were held out."""

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score, top_k_accuracy_score


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

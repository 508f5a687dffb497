"""How sure an accuracy is, and what pre-training is worth in labels."""

import numpy as np
from scipy import stats

_LEVEL = 0.95
_OF_ONE_OUTCOME = 3.0


def mean_interval(values):
    """A mean over label subsets and images with its 95 % interval.

    Both are samples: the subsets (Student's t with one degree of freedom less
    than there are subsets, which is wide for three) and the images (normal).

    Args:
        values: Float array `[seeds, N]`, by subset and image; whether a
            classifier was right, or by how much one was better than another.

    Returns:
        `(mean, low, high)`.

    Example:

    >>> mean, low, high = mean_interval(np.tile([1.0, 0.0], (1, 200)))
    >>> round(mean, 2), round(low, 2), round(high, 2)
    (0.5, 0.45, 0.55)
    """
    values = np.asarray(values, "float64")
    count = values.shape[1]
    error = values.mean(axis=0).std(ddof=1) / np.sqrt(count) if count > 1 else 0.0
    return interval(values.mean(axis=1), error)


def rate_interval(values):
    """`mean_interval` of a method's own rate: where all images are right, or all wrong, `3 / N` is left to doubt.

    That is how far a rate may be from 0 or 1 with 95 % certainty after `N` trials of one
    outcome; their spread, which is none, says nothing.

    Args:
        values: As of `mean_interval`.

    Example:

    >>> rate_interval(np.zeros((1, 30)))
    (0.0, 0.0, 0.1)
    """
    values = np.asarray(values, "float64")
    mean, low, high = mean_interval(values)
    doubt = _OF_ONE_OUTCOME / values.shape[1] if low == high and mean in (0.0, 1.0) else 0.0
    return mean, max(0.0, low - doubt), min(1.0, high + doubt)


def interval(by_subset, error_of_images):
    """A mean over label subsets with its 95 % interval, of any rate or difference of rates.

    Args:
        by_subset: Float array `[seeds]`, in `[-1, 1]`, beyond which no interval reaches.
        error_of_images: Standard error of the mean that comes from the images.

    Returns:
        `(mean, low, high)`.

    Example:

    >>> [round(end, 2) for end in interval(np.array([0.5, 0.6, 0.7]), 0.01)]
    [0.6, 0.35, 0.85]
    """
    seeds, mean = len(by_subset), float(np.mean(by_subset))
    half = stats.norm.ppf((1 + _LEVEL) / 2) * error_of_images
    if seeds > 1:
        of_subsets = stats.t.ppf((1 + _LEVEL) / 2, seeds - 1) * np.std(by_subset, ddof=1) / np.sqrt(seeds)
        half = np.hypot(half, of_subsets)
    return mean, max(-1.0, mean - float(half)), min(1.0, mean + float(half))


def worth(accuracy, labels, curve):
    """How many times the labels another method needs to be as accurate.

    Between two points of the curve, accuracy is taken to be linear in the
    logarithm of the labels. A curve that falls is held at its best so far.

    Args:
        accuracy: What was reached.
        labels: With how many labels.
        curve: List of `(labels, accuracy)` of the other method.

    Returns:
        `(factor, bound)`: `bound` is `"equal"`, or `"at least"` if the other
        method is nowhere so accurate, or `"at most"` if it always is.

    Example:

    >>> factor, bound = worth(0.75, 50, [(50, 0.7), (500, 0.8)])
    >>> round(factor, 2), bound
    (3.16, 'equal')
    >>> worth(0.9, 50, [(50, 0.7), (500, 0.8)])
    (10.0, 'at least')
    """
    counts, reached = (np.array(values, dtype="float64") for values in zip(*sorted(curve), strict=True))
    reached = np.maximum.accumulate(reached)
    if accuracy > reached[-1]:
        return float(counts[-1] / labels), "at least"
    if accuracy <= reached[0]:
        return float(counts[0] / labels), "equal" if accuracy == reached[0] else "at most"
    place = int(np.searchsorted(reached, accuracy))
    share = (accuracy - reached[place - 1]) / (reached[place] - reached[place - 1])
    needed = np.exp(np.log(counts[place - 1]) + share * np.log(counts[place] / counts[place - 1]))
    return float(needed / labels), "equal"

"""Probabilities that mean what they say, and where to draw the line between two classes, both by held-out labels."""

import dataclasses

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import roc_curve

# Smallest probability that a logarithm is taken of.
TINY = float(np.finfo("float64").tiny)
# Temperatures that are looked at. Few labels that are mostly got wrong would ask for an infinite one.
_COLDEST, _HOTTEST = 0.1, 10.0
# Where two classes are parted if nothing says otherwise.
EVEN = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """What labels that were held out say of a classifier's probabilities.

    Attributes:
        temperature: Positive; probabilities are those of logits divided by it, above 1
            less sure than before. 1 where no label could be held out, `None` where
            nobody asked: probabilities stay as they are.
        threshold: Of two classes, the probability of the second one, calibrated, from
            which on it is said; in `[0, 1]`. `None` of more classes, or where nobody asked.
        held_out: Number of labels that say so.
        floor: Smallest probability that a class is taken to have, in `(0, 1)`.
        columns: Integer array, the columns of classes that the classifier knows; all
            if `None`.

    Example:

    >>> cautious = Calibration(temperature=2.0)
    >>> cautious.applied(np.array([[0.9, 0.1]])).round(2).tolist()
    [[0.75, 0.25]]
    """

    temperature: float | None = None
    threshold: float | None = None
    held_out: int = 0
    floor: float = TINY
    columns: np.ndarray | None = None

    def applied(self, probabilities):
        """Calibrated probabilities.

        Args:
            probabilities: Float array `[N, classes]`, rows that sum to 1.

        Returns:
            The same, calibrated; the order of the classes of an image stays.
        """
        if self.temperature is None or self.temperature == 1.0:
            return probabilities
        columns = slice(None) if self.columns is None else self.columns
        calibrated = np.zeros_like(probabilities)
        logits = np.log(np.maximum(probabilities[:, columns].astype("float64"), self.floor))
        calibrated[:, columns] = softmax(logits / self.temperature, axis=1)
        return calibrated

    def decided(self, probabilities):
        """The class that the threshold decides for, integer `[N]`, of calibrated probabilities `[N, 2]`."""
        return (probabilities[:, 1] >= self.threshold).astype("int32")


def calibrate(labels, probabilities, count=None, floor=TINY):
    """A `Calibration` by labels that a classifier had not seen when it gave their probabilities.

    Args:
        labels: Integer array `[N]`, columns of the true classes.
        probabilities: Float array `[N, classes]`; none where no label could be held out.
        count: Number of different labels among them, some of which may have been held
            out several times; `N` if `None`.
        floor: Smallest probability that a class is taken to have.

    Returns:
        The `Calibration`; of no labels, temperature 1 and threshold 0.5.
    """
    count = len(labels) if count is None else count
    is_binary = probabilities.shape[1] == 2
    if not count:
        return Calibration(1.0, EVEN if is_binary else None, floor=floor)
    temperature = fit_temperature(labels, np.maximum(probabilities, floor), count)
    found = Calibration(temperature, held_out=count, floor=floor)
    if not is_binary:
        return found
    return dataclasses.replace(found, threshold=best_threshold(labels == 1, found.applied(probabilities)[:, 1]))


def fit_temperature(labels, probabilities, count=None):
    """The temperature that makes held-out labels likeliest.

    Few labels that are all right would ask for a temperature of 0. So each counts as
    its class with `(n + 1) / (n + 2)` of its weight, `n` being their number, and as the
    other classes with the rest.

    Args:
        labels: Integer array `[N]`, columns of the true classes; at least one.
        probabilities: Positive float array `[N, classes]`.
        count: Number of different labels; `N` if `None`.

    Returns:
        A float in `[0.1, 10]`.

    Reference:
        Guo et al. 2017, arXiv 1706.04599, section 4.2 (temperature scaling); Platt 1999,
        "Probabilistic outputs for support vector machines", section 2.2 (the targets).

    Example:

    Nine in ten would be sure, but only three in four are right:

    >>> labels, probabilities = np.array([0, 0, 0, 1] * 500), np.tile([0.9, 0.1], (2000, 1))
    >>> round(fit_temperature(labels, probabilities), 2)
    2.0
    """
    rest = 1.0 / ((len(labels) if count is None else count) + 2)
    logits = np.log(probabilities)  # up to a number that all classes share

    def loss(log_temperature):
        likelihoods = log_softmax(logits / np.exp(log_temperature), axis=1)
        own = likelihoods[np.arange(len(labels)), labels]
        others = (likelihoods.sum(axis=1) - own) / max(1, likelihoods.shape[1] - 1)
        return -np.mean((1.0 - rest) * own + rest * others)

    # Convex in the inverse of the temperature, so that there is one minimum.
    found = minimize_scalar(loss, bounds=np.log((_COLDEST, _HOTTEST)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def best_threshold(is_second, probabilities):
    """Where two classes are parted with the highest balanced accuracy.

    It lies in the middle between two probabilities. Of several that are equally good it
    is the one nearest to 0.5, which itself stays where none is better.

    Args:
        is_second: Boolean array `[N]`, whether an image is of the second class.
        probabilities: Float array `[N]`, its probability.

    Returns:
        A float in `[0, 1]`, from which on the second class is said; 0.5 where one of the
        classes is missing.

    Example:

    >>> best_threshold(np.array([False, False, True, True]), np.array([0.1, 0.2, 0.3, 0.9]))
    0.25
    """
    is_second, probabilities = np.asarray(is_second), np.asarray(probabilities)
    if is_second.all() or not is_second.any():
        return EVEN
    wrongly, rightly, at = roc_curve(is_second, probabilities, drop_intermediate=False)
    # From `at[i]` on, but above `at[i + 1]`; the first one says the second class of none, the last one of all.
    candidates = {EVEN: _balanced(is_second, probabilities >= EVEN)}
    for place in range(1, len(at) - 1):
        candidates[float((at[place] + at[place + 1]) / 2)] = (rightly[place] + 1.0 - wrongly[place]) / 2
    best = max(candidates.values())
    return min((one for one, score in candidates.items() if score >= best - 1e-9), key=lambda one: abs(one - EVEN))


def _balanced(is_second, said):
    return (said[is_second].mean() + 1.0 - said[~is_second].mean()) / 2

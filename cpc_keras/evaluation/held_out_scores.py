"""Labels that are held out inside a subset, and what they say of a setting."""

import dataclasses

import numpy as np

from cpc_keras.errors import InputError
from cpc_keras.evaluation.holdout import SEARCHES
from cpc_keras.evaluation.scores import hits_and_likelihoods
from cpc_keras.storage import digests

# Log-likelihood of a label where training did not stay finite; its accuracy is 0.
DIVERGED = -20.0
# What likelihood weighs beside accuracy, which ties on few labels.
LIKELIHOOD = 0.1


@dataclasses.dataclass(frozen=True)
class HeldOutScores:
    """What held-out labels say of a setting; means, where a label was in several splits."""

    positions: np.ndarray
    hits: np.ndarray
    likelihoods: np.ndarray

    @property
    def scores(self):
        return self.hits + LIKELIHOOD * self.likelihoods

    def at(self, positions):
        """What these say; all of them must have been held out."""
        at = np.searchsorted(self.positions, positions)
        return HeldOutScores(positions, self.hits[at], self.likelihoods[at])


def held_out_scores(truth, predictions):
    """The `HeldOutScores` of pairs `(positions, probabilities)`."""
    positions, probabilities = (np.concatenate(parts) for parts in zip(*predictions, strict=True))
    if np.isfinite(probabilities).all():
        hits, likelihoods = hits_and_likelihoods(truth[positions], probabilities)
    else:
        hits, likelihoods = np.zeros(len(positions)), np.full(len(positions), DIVERGED)
    held_out, place, times = np.unique(positions, return_inverse=True, return_counts=True)
    return HeldOutScores(held_out, np.bincount(place, hits) / times, np.bincount(place, likelihoods) / times)


def standard_error(values, labels):
    """Of their `balanced_mean`, the numbers of the classes' labels given and the spread alike in all classes.

    Infinite where no class has two labels.
    """
    _, of_class, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(values) == len(counts):
        return np.inf
    deviations = values - (np.bincount(of_class, values) / counts)[of_class]
    variance = np.sum(deviations**2) / (len(values) - len(counts))
    return float(np.sqrt(variance * np.sum(1 / counts)) / len(counts))


def held_out_splits(labels, seed, rule=SEARCHES):
    """The splits by which settings are compared.

    Args:
        labels: Integer array `[N]`.
        seed: Whole number.
        rule: A `cpc_keras.evaluation.holdout.Holdout`.

    Returns:
        List of `(train, held_out)`, positions among the labels.

    Raises:
        InputError: If nothing can be held out.

    Example:

    >>> [len(held_out_splits(np.arange(count) % 2, seed=0)) for count in (20, 200, 3000)]
    [10, 5, 1]
    >>> rule = dataclasses.replace(SEARCHES, most_train=1000)
    >>> ((train, held_out),) = held_out_splits(np.arange(9000) % 2, seed=0, rule=rule)
    >>> len(train), len(held_out)
    (1000, 2000)
    """
    splits = rule.splits(labels, seed)
    if not splits:
        raise InputError(
            "The labelled subset must have two classes of two labels each, or more, to hold some of them out. "
            f"Received: {len(labels)} labels"
        )
    return splits


def splits_digest(splits):
    """SHA-256 of the splits by which settings are compared."""
    return digests.of_json([[part.tolist() for part in split] for split in splits])

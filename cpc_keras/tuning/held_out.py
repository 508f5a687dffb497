"""Labels that are held out inside a subset, and what they say of a setting."""

import dataclasses

import numpy as np

from cpc_keras.data.label_subsets import choose_labels
from cpc_keras.errors import InputError
from cpc_keras.evaluation.inner_splits import inner_splits
from cpc_keras.evaluation.scores import hits_and_likelihoods
from cpc_keras.storage import digests

# Labels up to which folds are drawn twice, and above which one held-out part judges.
_TWICE, _SINGLE = 100, 2000
# Labels that judge at most where it is said how many to learn from.
_MOST_JUDGED = 2000
# Log-likelihood of a label where training did not stay finite; its accuracy is 0.
DIVERGED = -20.0
# What likelihood weighs beside accuracy, which ties on few labels.
LIKELIHOOD = 0.1


@dataclasses.dataclass(frozen=True)
class Judged:
    """What held-out labels say of a setting; means, where a label was in several splits."""

    positions: np.ndarray
    hits: np.ndarray
    likelihoods: np.ndarray

    @property
    def scores(self):
        return self.hits + LIKELIHOOD * self.likelihoods

    def at(self, positions):
        """What these say; all of them must have judged it."""
        at = np.searchsorted(self.positions, positions)
        return Judged(positions, self.hits[at], self.likelihoods[at])


def judged_labels(truth, answers):
    """The `Judged` of held-out labels."""
    positions, probabilities = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    if np.isfinite(probabilities).all():
        hits, likelihoods = hits_and_likelihoods(truth[positions], probabilities)
    else:
        hits, likelihoods = np.zeros(len(positions)), np.full(len(positions), DIVERGED)
    judged, place, times = np.unique(positions, return_inverse=True, return_counts=True)
    return Judged(judged, np.bincount(place, hits) / times, np.bincount(place, likelihoods) / times)


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


def held_out_splits(labels, seed, folds=5, most_learnt=None):
    """The folds by which settings are judged, see `inner_splits`; one held-out part where there are many labels.

    Args:
        labels: Integer array `[N]`.
        seed: Whole number.
        folds: Their number.
        most_learnt: Labels to learn from at most where one part is held out (three
            a class, if that is more); 2,000 others judge then. `None` for two
            thirds, and the other third judges.

    Raises:
        InputError: If nothing can be held out.

    Example:

    >>> [len(held_out_splits(np.arange(count) % 2, seed=0)) for count in (20, 200, 3000)]
    [10, 5, 1]
    >>> ((learnt, judged),) = held_out_splits(np.arange(9000) % 2, seed=0, most_learnt=1000)
    >>> len(learnt), len(judged)
    (1000, 2000)
    """
    labels = np.asarray(labels)
    chosen = np.arange(len(labels))
    if most_learnt and len(labels) > _SINGLE:
        most_learnt = max(most_learnt, 3 * len(np.unique(labels)))
        chosen = choose_labels(labels, most_learnt + _MOST_JUDGED, seed)
    splits = inner_splits(labels[chosen], folds, 2 if len(labels) <= _TWICE else 1, _SINGLE, seed, most_learnt)
    if not splits:
        raise InputError(
            "The labelled subset must have two classes of two labels each, or more, to hold some of them out. "
            f"Received: {len(labels)} labels"
        )
    return [(chosen[learnt], chosen[judged]) for learnt, judged in splits]


def splits_digest(splits):
    """SHA-256 of the folds by which settings are judged."""
    return digests.of_json([[part.tolist() for part in split] for split in splits])

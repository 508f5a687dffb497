"""What few labels tell of images that are like theirs: probabilities spread over a graph of neighbours."""

import itertools

import numpy as np
from scipy import sparse


def neighbor_weights(similarities, strength=4.0):
    """How much each neighbour counts: exp(−strength · d² / d_k²), d_k being the distance to the farthest one.

    Where images lie densely, distances count for more.

    Args:
        similarities: Float array `[N, k]`, cosines, falling in each row.
        strength: Positive; the larger, the more the nearest count.

    Returns:
        Float array `[N, k]`, rows that sum to 1.

    Reference:
        Calder et al. 2020, arXiv 2006.11184 (the weights).
    """
    squares = np.maximum(2.0 - 2.0 * similarities.astype("float64"), 0.0)
    weights = np.exp(-strength * squares / np.maximum(squares[:, -1:], 1e-12))
    return weights / weights.sum(axis=1, keepdims=True)


def transition_matrix(positions, similarities, strength=4.0):
    """A graph on which each image listens to its neighbours.

    Args:
        positions: Integer array `[N, k]`, the neighbours of each image.
        similarities: Float array `[N, k]`, cosines, falling in each row.
        strength: See `neighbor_weights`.

    Returns:
        A sparse matrix `[N, N]`, rows that sum to 1.

    Example:

    >>> weights = transition_matrix(np.array([[1, 2], [0, 2], [1, 0]]), np.array([[0.9, 0.5], [0.9, 0.8], [0.8, 0.5]]))
    >>> np.round(weights.toarray().astype(float), 2).tolist()
    [[0.0, 0.96, 0.04], [0.88, 0.0, 0.12], [0.08, 0.92, 0.0]]
    """
    count, k = positions.shape
    weights = neighbor_weights(similarities, strength).astype("float32")
    ends = np.arange(0, count * k + 1, k)
    return sparse.csr_array((weights.ravel(), positions.ravel(), ends), shape=(count, count))


def propagate(transition, start, known, alpha=0.9, steps=20):
    """Spreads probabilities over a graph: q ← α P q + (1 − α) q₀, where labels are known they stay.

    Args:
        transition: Sparse matrix P `[N, N]`, see `transition_matrix`.
        start: Float array `[N, C]`, q₀: what a classifier says of each image; `C` may be
            the classes of several classifiers, one after the other.
        known: Float array `[n, C]`, what is known of the first n images: a 1 for the class
            and 0 for the others, NaN where that is not known.
        alpha: Share of the neighbours, in `[0, 1]`.
        steps: Number of steps.

    Returns:
        Float32 array `[N, C]`.

    Reference:
        Zhou et al. 2003, "Learning with local and global consistency", the iteration of
        section 2; labels that stay are of Zhu et al. 2003, "Semi-supervised learning using
        Gaussian fields and harmonic functions".

    Example:

    Three images in a row, of which the first one's class is known:

    >>> row = sparse.csr_array(np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]))
    >>> unsure = np.full((3, 2), 0.5)
    >>> propagate(row, unsure, np.array([[1.0, 0.0]]), steps=2).round(2).tolist()
    [[1.0, 0.0], [0.73, 0.28], [0.7, 0.3]]
    """
    return next(itertools.islice(spread(transition, start, known, alpha), steps, None))


def spread(transition, start, known, alpha=0.9):
    """The steps of `propagate`, one after the other, without an end; the first is the start.

    Args:
        transition: As of `propagate`.
        start: As of `propagate`.
        known: As of `propagate`.
        alpha: As of `propagate`.

    Yields:
        Float32 array `[N, C]`.
    """
    begin = np.array(start, "float32")
    free, count = np.isnan(known), len(known)
    begin[:count] = np.where(free, begin[:count], known)
    now = begin
    while True:
        yield now
        now = alpha * (transition @ now) + (1.0 - alpha) * begin
        now[:count] = np.where(free, now[:count], known)


def with_shares(probabilities, shares=None):
    """Probabilities whose classes are as frequent as they should be, nearly.

    Each class is weighted by the ratio of its share to its mean probability, and rows are
    made to sum to 1 again. A class that has no probability at all keeps none.

    Args:
        probabilities: Float array `[N, classes]`.
        shares: Float array `[classes]`, which sum to 1; `None` leaves frequencies alone.

    Returns:
        Float array `[N, classes]`, rows that sum to 1.

    Example:

    >>> with_shares(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0.5, 0.5])).round(2).tolist()
    [[0.75, 0.25], [0.33, 0.67]]
    """
    if shares is not None:
        probabilities = probabilities * (shares / np.maximum(probabilities.mean(axis=0), 1e-9))
    return probabilities / probabilities.sum(axis=1, keepdims=True)

"""Which images to label next: typical ones, ones far apart, ones that a first classifier doubts, or any."""

import dataclasses

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from threadpoolctl import threadpool_limits

from cpc_keras.graph.neighbors import nearest

WAYS = ("typical", "diverse", "uncertain", "random")
# Similarity from which on two images count as one: that of copies with a pixel changed lies above it.
SAME = 0.995
# Neighbours inside its cluster that say how typical an image is.
_NEIGHBORS = 20
# Images of which clusters are made anew by all of them in each iteration; of more, by a part.
_WHOLE = 100_000
# How often k-means begins anew, of which the best is taken: with few clusters it is cheap, and much depends on it. With
# 20 labels on Fashion-MNIST a linear probe had 70.7 % with ten, 67.2 % with one (eight seeds), and varied half as much.
_BEGINNINGS, _ALL_BEGINNINGS = 10, 500
# For each image that is wished, the most doubtful so many are looked at.
_DOUBTED = 10


@dataclasses.dataclass(frozen=True)
class Choice:
    """An image to label.

    Attributes:
        position: Its position.
        cluster: Number of its cluster, the largest first; `None` where there are none.
        why: Why it was chosen, in words.
    """

    position: int
    cluster: int | None
    why: str


def choose(vectors, count, by="typical", already=(), probabilities=None, seed=0):
    """Chooses images to label next, the most urgent first; no label is looked at.

    * `"typical"`: k-means makes as many clusters as there are labels and wishes; of the
      largest clusters without a label, the image that is nearest to its neighbours.
      Best for few labels.
    * `"diverse"`: the image that is farthest from all that are chosen or labelled, over
      and over. Best where rare things must not be missed.
    * `"uncertain"`: of the images between whose two likeliest classes a first
      classifier hardly decides, clusters as in `"typical"`. Best from some hundreds of
      labels on.
    * `"random"`: any, as one has to label for figures that are to hold for all images.

    Of images that are nearly the same, one at most is chosen, and none that is nearly the
    same as a labelled one; but not by `"random"`.

    Args:
        vectors: Float32 array `[N, D]`, rows of length 1.
        count: Images to choose; fewer are given where there are no more that differ.
        by: One of `WAYS`.
        already: Positions of images that are labelled.
        probabilities: Float array `[N, classes]`, what a first classifier says; only for
            `"uncertain"`.
        seed: Whole number.

    Returns:
        List of `Choice`.

    Reference:
        Hacohen et al. 2022, arXiv 2202.02794 (TypiClust); Sener & Savarese 2018, arXiv
        1708.00489, algorithm 1 (k-center); Zhdanov 2019, arXiv 1901.05954 (clusters of
        doubtful images).

    Example:

    >>> angles = np.array([0.0, 0.1, 0.2, 2.0, 2.1, 2.21, 2.4])
    >>> vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")
    >>> sorted(one.position for one in choose(vectors, 2))
    [1, 4]
    """
    already = np.unique(np.asarray(already, int))
    count = min(count, len(vectors) - len(already))
    if by == "random":
        open_ones = np.setdiff1d(np.arange(len(vectors)), already)
        drawn = np.random.default_rng(seed).permutation(open_ones)[:count]
        return [Choice(int(position), None, "drawn at random") for position in drawn]
    with threadpool_limits(None):
        if by == "diverse":
            return _diverse(vectors, count, already)
        if by == "uncertain":
            return _uncertain(vectors, count, already, probabilities, seed)
        return _typical(vectors, count, already, seed)


def _typical(vectors, count, already, seed):
    members, order = _clusters(vectors, count + len(already), already, seed)
    chosen: list[Choice] = []
    taken = _Taken(vectors, already)
    for number in order:
        if len(chosen) == count:
            break
        inside = members[number]
        for place in np.argsort(-typicality(vectors[inside]), kind="stable"):
            if taken.take(inside[place]):
                why = f"the most typical of {len(inside):,} alike"
                chosen.append(Choice(int(inside[place]), len(chosen) + 1, why))
                break
    return chosen


def _clusters(vectors, count, already, seed):
    """`(members, order)`: positions by cluster, and the clusters, fewest labels first, then the largest."""
    kind = KMeans if len(vectors) <= _WHOLE else MiniBatchKMeans
    count = min(count, len(vectors))
    beginnings = max(1, min(_BEGINNINGS, _ALL_BEGINNINGS // count))
    found = kind(count, n_init=beginnings, random_state=seed).fit_predict(vectors)
    members = np.split(np.argsort(found, kind="stable"), np.cumsum(np.bincount(found, minlength=count))[:-1])
    labelled = np.bincount(found[already], minlength=count)
    order = sorted(range(count), key=lambda number: (labelled[number], -len(members[number])))
    return members, order


def typicality(vectors):
    """How near each vector is to its neighbours: the inverse of the mean distance to its nearest 20.

    Args:
        vectors: Float32 array `[N, D]`, rows of length 1.

    Returns:
        Float array `[N]`; of a single vector, 1.

    Reference:
        Hacohen et al. 2022, arXiv 2202.02794, equation 4.
    """
    if len(vectors) < 2:
        return np.ones(len(vectors))
    _, similarities = nearest(vectors, _NEIGHBORS)
    distances = np.sqrt(np.maximum(2.0 - 2.0 * similarities, 0.0))
    return 1.0 / (distances.mean(axis=1) + 1e-6)


def _diverse(vectors, count, already):
    """Farthest first; the first one of all is the nearest to the mean."""
    chosen: list[Choice] = []
    taken = _Taken(vectors, already)
    if len(already):
        nearness = nearest(vectors[already], 1, vectors)[1][:, 0]
        nearness[already] = np.inf
    elif count:
        first = int((vectors @ vectors.mean(axis=0)).argmax())
        taken.take(first)
        chosen.append(Choice(first, None, "the nearest to the mean of all"))
        nearness = vectors @ vectors[first]
    while len(chosen) < count:
        position = int(nearness.argmin())
        if not taken.take(position):
            break  # all that are left are copies
        why = f"similarity to the nearest that is chosen or labelled: {nearness[position]:.2f}"
        chosen.append(Choice(position, None, why))
        nearness = np.maximum(nearness, vectors @ vectors[position])
    return chosen


def _uncertain(vectors, count, already, probabilities, seed):
    margins = np.diff(np.partition(probabilities, -2, axis=1)[:, -2:], axis=1)[:, 0]
    margins[already] = np.inf
    doubted = np.argsort(margins, kind="stable")[: min(_DOUBTED * count, len(vectors) - len(already))]
    clusters = min(count, len(doubted))
    found = KMeans(clusters, n_init=1, random_state=seed).fit(vectors[doubted], sample_weight=1.0 - margins[doubted])
    chosen: list[Choice] = []
    taken = _Taken(vectors, already)
    for number in np.argsort(-np.bincount(found.labels_, minlength=clusters), kind="stable"):
        inside = doubted[found.labels_ == number]
        nearness = vectors[inside] @ found.cluster_centers_[number]
        for position in inside[np.argsort(-nearness, kind="stable")]:
            if taken.take(position):
                why = f"{margins[position]:.2f} between the two likeliest classes"
                chosen.append(Choice(int(position), len(chosen) + 1, why))
                break
    return chosen


class _Taken:
    """What is chosen or labelled: nothing that is nearly the same is taken beside it.

    Args:
        vectors: Float32 array `[N, D]`, rows of length 1.
        already: Positions of those that are labelled.
    """

    def __init__(self, vectors, already):
        self.vectors = vectors
        self.positions = list(already)

    def take(self, position):
        """Takes an image unless one that is nearly the same is taken; whether it did."""
        others = self.vectors[self.positions]
        if len(others) and (others @ self.vectors[position]).max() >= SAME:
            return False
        self.positions.append(int(position))
        return True

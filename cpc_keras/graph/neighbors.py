"""The most similar of many vectors, without a matrix of all pairs."""

import faiss
import numpy as np

from cpc_keras.backend.resources import processors

# Up to so many vectors every pair is compared: 60,000 of 128 numbers take seconds on two cores.
EXACT = 200_000
# Above that, vectors lie in cells around so many centers per square root of their number, and those of the cells that
# are nearest to a query are compared. On a million vectors of 128 numbers it finds 97 of 100 neighbours.
_CELLS = 4
_PROBED = 32
_ITERATIONS = 10
# Vectors a center is learnt from.
_TRAINED_ON = 64


def nearest(vectors, count, queries=None, seed=0):
    """The nearest neighbours of each vector by cosine similarity.

    Up to 200,000 vectors the answer is exact. Of more, each is compared with those in the
    parts of the space around it (an inverted file), whose centers k-means finds; the same
    seed gives the same answer. The library is faiss: it compares every pair where that
    is affordable, needs little more memory than the vectors themselves, is
    deterministic where it does not (graphs that are built by several threads, as
    of hnswlib, are not), and comes as a wheel for the usual systems.

    Args:
        vectors: Float32 array `[N, D]`, rows of length 1.
        count: Neighbours a vector; `N - 1` if there are fewer (`N` where there are
            queries).
        queries: Float32 array `[M, D]`, rows of length 1, whose neighbours among
            `vectors` are asked for; if `None` those of `vectors` themselves, each
            without itself.
        seed: Seed of k-means.

    Returns:
        `(positions [M, count], similarities [M, count])`, int64 and float32 in
        `[-1, 1]`, the most similar first.

    Reference:
        Johnson et al. 2017, "Billion-scale similarity search with GPUs",
        arXiv 1702.08734.

    Example:

    >>> import numpy as np
    >>> angles = np.array([0.0, 0.1, 1.0, 1.2])
    >>> positions, _ = nearest(np.stack([np.cos(angles), np.sin(angles)], axis=1), count=1)
    >>> positions.ravel().tolist()
    [1, 0, 3, 2]
    """
    vectors = np.ascontiguousarray(vectors, "float32")
    asked = vectors if queries is None else np.ascontiguousarray(queries, "float32")
    wanted = min(count + (queries is None), len(vectors))
    faiss.omp_set_num_threads(processors())
    if len(vectors) <= EXACT:
        similarities, positions = faiss.knn(asked, vectors, wanted, faiss.METRIC_INNER_PRODUCT)
    else:
        similarities, positions = _index(vectors, seed).search(asked, wanted)
    similarities = np.clip(similarities, -1.0, 1.0)
    return (positions, similarities) if queries is not None else _without_itself(positions, similarities)


def are_copies(features, others, tolerance=1e-4):
    """Which images have the features of an image among others.

    Args:
        features: Float array `[N, D]`.
        others: Float array `[M, D]`.
        tolerance: Largest distance between copies, as a share of the typical distance of
            an image from the mean.

    Returns:
        Boolean array `[N]`.

    Example:

    >>> import numpy as np
    >>> are_copies(np.eye(3), np.eye(3)[:1]).tolist()
    [True, False, False]
    """
    if not len(others) or not len(features):
        return np.zeros(len(features), bool)
    mean = features.mean(axis=0)
    typical = np.linalg.norm(features - mean, axis=1).mean()
    one, other = (np.ascontiguousarray((part - mean) / max(typical, 1e-12), "float32") for part in (features, others))
    squares, _ = faiss.knn(one, other, 1, faiss.METRIC_L2)
    return squares[:, 0] <= tolerance**2


def _index(vectors, seed):
    """An inverted file over vectors."""
    cells = round(_CELLS * len(vectors) ** 0.5)
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(vectors.shape[1]), vectors.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = seed, _ITERATIONS, _TRAINED_ON
    index.train(vectors)
    index.add(vectors)
    index.nprobe = _PROBED
    return index


def _without_itself(positions, similarities):
    """Takes each vector out of its own neighbours; where copies crowd it out, the last of them goes."""
    itself = positions == np.arange(len(positions))[:, None]
    itself[~itself.any(axis=1), -1] = True
    shape = len(positions), positions.shape[1] - 1
    return positions[~itself].reshape(shape), similarities[~itself].reshape(shape)

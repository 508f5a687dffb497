"""Neighbours of many vectors and labels spread over them: seconds, memory, and how many true neighbours are found.

    neighbors.py [COUNT ...]

Vectors are real: pieces of 12 × 12 px, several of each training image of Fashion-MNIST, in the space in which
`propagated` looks for neighbours, 128 numbers each. A thousand of them are also compared with all others, which tells
the share of true neighbours that was found. Each count has a process of its own, whose peak of memory is the figure.
"""

import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from cpc_keras.data.sources import open_source
from cpc_keras.graph.neighbors import nearest
from cpc_keras.graph.propagation import propagate, transition_matrix
from cpc_keras.graph.space import Space

_SIDE, _NEIGHBORS, _CLASSES, _CHECKED = 12, 10, 10, 1000


def pieces(count):
    """Pieces of images `[count, 144]`, and the class of each one's image."""
    images = open_source("tfds:fashion_mnist@train")
    rng = np.random.default_rng(0)
    found = np.empty((count, _SIDE**2), "float32")
    labels = np.empty(count, int)
    for place in range(count):
        position = place % len(images)
        if place < len(images):
            kept = images.read(position)[..., 0]
            _KEPT.append(kept)
        top, left = rng.integers(0, 28 - _SIDE, 2)
        piece = _KEPT[position][top : top + _SIDE, left : left + _SIDE]
        found[place] = piece.ravel() + rng.uniform(0, 1, _SIDE**2)  # what is black is not all the same
        labels[place] = images.labels[position]
    return found, labels


_KEPT: list[np.ndarray] = []


def measure(count):
    values, labels = pieces(count)
    vectors = Space().fit(values).unit_vectors(values)
    del values
    _KEPT.clear()
    began = time.perf_counter()
    positions, similarities = nearest(vectors, _NEIGHBORS)
    searched = time.perf_counter() - began
    some = np.random.default_rng(1).permutation(count)[:_CHECKED]
    true = _of_all_pairs(vectors, some)
    found = np.mean([len(np.intersect1d(positions[one], row[row != one])) for one, row in zip(some, true, strict=True)])
    began = time.perf_counter()
    known = np.eye(_CLASSES)[labels[:1000]]
    propagate(transition_matrix(positions, similarities), np.full((count, _CLASSES), 0.1, "float32"), known)
    spread = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{count:,} vectors of {vectors.shape[1]}: neighbours {searched:.1f} s ({100 * found / _NEIGHBORS:.1f} % of "
        f"the true ones), 20 steps {spread:.1f} s, peak {peak:.2f} GiB in all",
        flush=True,
    )


def _of_all_pairs(vectors, some):
    """The nearest of all vectors to some, part by part."""
    best = np.full((len(some), _NEIGHBORS + 1), -np.inf)
    place = np.zeros(best.shape, int)
    for first in range(0, len(vectors), 100_000):
        part = vectors[first : first + 100_000]
        positions, similarities = nearest(part, _NEIGHBORS + 1, vectors[some])
        joined, where = np.hstack([best, similarities]), np.hstack([place, positions + first])
        order = np.argsort(-joined, axis=1)[:, : _NEIGHBORS + 1]
        best, place = (np.take_along_axis(one, order, axis=1) for one in (joined, where))
    return place


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(int(sys.argv[2]))
    else:
        for number in sys.argv[1:] or ("60000", "1000000"):
            subprocess.run([sys.executable, __file__, "--one", number], check=True)

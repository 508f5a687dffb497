"""Images that are there more than once, or nearly."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from cpc_keras.graph.neighbors import nearest

# Side in pixels of what is compared.
SIDE = 16
# Difference of two small pictures up to which they may be one image, as a share of their contrast, where it is at most
# this share of what is usual among their neighbours. Of 200 images of Fashion-MNIST that were copied with one pixel
# inverted, these find 97 %, and 105 others of 60,000; without the second one, 3,081 others.
ALIKE = 0.14
_OF_USUAL = 1 / 3
# Difference up to which they are one image whatever is usual.
_EQUAL = 0.02
# Contrast that even a blank image is taken to have.
_CONTRAST = 0.03
# Neighbours among which copies are looked for.
_NEIGHBORS = 10


class Miniatures:
    """Images as pictures of 16 × 16 px.

    Call arguments:
        images: Float32 tensor `[B, H, W, C]`, values in `[0, 1]`.

    Returns:
        A dictionary with `miniature`, float32 array `[B, 256 C]`: the mean over the pixels that
        each of the small ones covers.

    Example:

    >>> Miniatures()(np.zeros((2, 28, 28, 3), "float32"))["miniature"].shape
    (2, 768)
    """

    VERSION = "miniature-1"

    def __call__(self, images):
        images = np.asarray(images, "float32")
        rows, columns = (_areas(size) for size in images.shape[1:3])
        small = np.einsum("ah,bhwc,dw->badc", rows, images, columns, optimize=True)
        return {"miniature": small.reshape(len(images), -1).astype("float32")}


def _areas(size):
    """Matrix `[SIDE, size]` that takes the mean of the pixels under each of `SIDE` equal parts of a line."""
    edges = np.linspace(0, size, SIDE + 1)
    first, last = np.maximum(edges[:-1, None], np.arange(size)), np.minimum(edges[1:, None], np.arange(size) + 1)
    covered = np.maximum(last - first, 0.0)
    return (covered / covered.sum(axis=1, keepdims=True)).astype("float32")


def groups_of_copies(miniatures):
    """Which images are copies of each other: equal, or changed a little (written anew, resized, a spot more).

    Two images count as one where the difference of their small pictures (its root mean square) is
    at most 0.14 of the contrast in them (the deviation over pixels), which means
    that they correlate to 0.99, and at most a third of what is usual (the median)
    among the ten nearest neighbours of both: where all images are alike, as pieces of
    one sky, being alike tells nothing. Those that differ by less than 0.02 always do.

    Args:
        miniatures: Float array `[N, D]`, values in `[0, 1]`, see `Miniatures`.

    Returns:
        `(groups, differences)`: a list of integer arrays, the positions of two images or more
        that are one, the largest first; and a float array `[N]`, how much each image
        differs from the most similar other one, as a share of the contrast.

    Reference:
        Lowe 2004, IJCV 60 (2), section 7.1 (a match counts if the next best is far behind).

    Example:

    >>> rng = np.random.default_rng(0)
    >>> images = rng.uniform(size=(4, 256))
    >>> groups, _ = groups_of_copies(np.concatenate([images, images[2:3] + 0.01]))
    >>> [group.tolist() for group in groups]
    [[2, 4]]
    """
    count = len(miniatures)
    positions, _ = nearest(_unit_vectors(miniatures), _NEIGHBORS)
    contrasts = np.maximum(miniatures.std(axis=1), _CONTRAST)
    differences = np.stack(
        [
            np.sqrt(np.mean((miniatures - miniatures[others]) ** 2, axis=1)) / np.sqrt(contrasts * contrasts[others])
            for others in positions.T
        ],
        axis=1,
    )
    usual = np.median(differences, axis=1) if differences.size else np.zeros(count)
    most = _OF_USUAL * np.minimum(usual[:, None], usual[positions])
    rows, places = np.nonzero(differences <= np.maximum(np.minimum(ALIKE, most), _EQUAL))
    pairs = sparse.coo_array((np.ones(len(rows)), (rows, positions[rows, places])), shape=(count, count))
    found = sorted(_groups(pairs), key=lambda group: (-len(group), group[0]))
    return found, differences.min(axis=1, initial=np.inf)


def _unit_vectors(miniatures):
    """Vectors of which those of near copies have a cosine of nearly 1; a small number more keeps them from being 0."""
    centered = miniatures - miniatures.mean()
    vectors = np.concatenate([centered, np.full((len(centered), 1), 1e-3)], axis=1)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


def _groups(pairs):
    _, number = connected_components(pairs, directed=False)
    order = np.argsort(number, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
    return [part for part in parts if len(part) > 1]

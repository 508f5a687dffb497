"""The space in which images are near to each other: what sets them apart, without what is mostly noise."""

import numpy as np
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

WIDTH = 128
# Images that directions are learnt from at most.
_LEARNT_FROM = 20_000


class Space:
    """Standardised features, turned and cut to the directions in which images differ most, half-whitened.

    Cosines between its vectors say how alike images are. Each direction is divided by the
    square root of the deviation along it: so the few directions in which all images differ
    do not drown the others. Of an image's ten nearest neighbours among 20,000 of
    Fashion-MNIST, 83.5 % were of its class, where undivided directions gave 82.7 % and
    fully whitened ones 82.7 %.

    Args:
        width: Directions at most; fewer if there are fewer features or images.
        seed: Seed of the images that directions are learnt from, where there are many.

    Attributes:
        mean: Float array `[D]`.
        deviation: Float array `[D]`, positive.
        basis: Float array `[D, width]`.

    Example:

    >>> features = np.random.default_rng(0).normal(size=(50, 8))
    >>> space = Space(width=3).fit(features)
    >>> space.vectors(features).shape, bool(np.allclose(np.linalg.norm(space.unit_vectors(features), axis=1), 1))
    ((50, 3), True)
    """

    def __init__(self, width=WIDTH, seed=0):
        self.width = width
        self.seed = seed

    def fit(self, features, scaling=None):
        """Learns it.

        Args:
            features: Float array `[N, D]`.
            scaling: `(mean, deviation)` of each feature; those of `features` if `None`.

        Returns:
            Itself.
        """
        self.mean, self.deviation = scaling or (features.mean(axis=0), features.std(axis=0) + 1e-6)
        if len(features) > _LEARNT_FROM:
            rng = np.random.default_rng(self.seed)
            features = features[np.sort(rng.permutation(len(features))[:_LEARNT_FROM])]
        width = min(self.width, *features.shape)
        scaled = ((features - self.mean) / self.deviation).astype("float32")
        kind = "covariance_eigh" if scaled.shape[0] >= scaled.shape[1] else "full"
        if kind == "full" and width < len(scaled) / 4 and scaled.any():
            kind = "arpack"  # as exact; of 3,000 images in a quarter of the time
        with threadpool_limits(None), np.errstate(invalid="ignore"):  # of images that are all the same
            found = PCA(width, svd_solver=kind, random_state=self.seed).fit(scaled)
        deviations = np.sqrt(np.maximum(found.explained_variance_, 0.0))
        self.basis = found.components_.T / np.sqrt(np.maximum(deviations, 1e-3 * max(deviations[0], 1e-3)))
        return self

    def vectors(self, features):
        """Coordinates in it, float32 `[N, width]`; 0 is the mean of what it was learnt from."""
        return (((features - self.mean) / self.deviation) @ self.basis).astype("float32")

    def unit_vectors(self, features):
        """The same, each of length 1."""
        return self.to_unit_length(self.vectors(features))

    @staticmethod
    def to_unit_length(vectors):
        """Vectors `[N, D]` divided by their lengths."""
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

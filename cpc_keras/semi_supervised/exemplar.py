"""Joint training with exemplars: changed copies of one image are nearer to each other than to any other image."""

import keras
from keras import ops

from cpc_keras.semi_supervised.term import Term

# Squares of distances below which a root has no gradient to speak of.
_LEAST = 1e-12


def exemplar_loss(embeddings, copies):
    """Soft-margin triplet loss with the hardest copy and the hardest other image.

    `softplus(max_j d(a, a_j) − min_k d(a, b_k))` for each copy `a`, `a_j` being the other
    copies of its image and `b_k` all copies of other images; `d` is the Euclidean
    distance of embeddings of length 1.

    Args:
        embeddings: Float tensor `[copies·B, d]`: one copy of all images after the other.
        copies: How many there are of each image, at least 2.

    Returns:
        Float32 tensor `[copies·B]`, positive.

    Reference:
        Zhai et al. 2019, arXiv 1905.03670, section 4.1, after Hermans et al. 2017, arXiv 1703.07737, equation 5.

    Example:

    >>> import numpy as np
    >>> embeddings = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    >>> [round(float(one), 3) for one in exemplar_loss(embeddings, copies=2)]
    [0.218, 0.218, 0.218, 0.218]
    """
    embeddings = ops.normalize(ops.cast(embeddings, "float32"), axis=-1)
    count = ops.shape(embeddings)[0]
    image = ops.tile(ops.arange(count // copies), (copies,))
    same = ops.cast(image[:, None] == image[None, :], "float32")
    squares = 2.0 - 2.0 * ops.matmul(embeddings, ops.transpose(embeddings))
    distances = ops.sqrt(ops.maximum(squares, _LEAST))
    farthest = ops.max(distances * same, axis=-1)
    nearest = ops.min(distances + 4.0 * same, axis=-1)  # no distance is above 2
    return ops.softplus(farthest - nearest)


class Exemplar(Term):
    """`exemplar_loss` on strongly changed copies of all images, which keep their class.

    Args:
        weight: Its weight.
        copies: Copies of each image.
        width: Of the embedding.

    Raises:
        ValueError: If there are fewer than two copies.
    """

    name = "exemplar"
    needs_strong = True

    def __init__(self, weight=1.0, copies=8, width=1000):
        super().__init__(weight)
        if copies < 2:
            raise ValueError(f"`copies` must be 2 or more. Received: copies={copies}")
        self.copies = copies
        self.width = width

    def build(self, features):
        self.pool = keras.layers.GlobalAveragePooling2D(name="exemplar_pool", data_format="channels_last")
        self.embed = keras.layers.Dense(self.width, name="exemplar", dtype="float32")
        self.embed.build((None, features[-1]))
        return [self.pool, self.embed]

    def _changed(self, batch):
        """`(features, logits)` of all copies of labelled and unlabelled images."""
        if self not in batch.kept:
            images = batch.everything_unchanged
            copies = ops.tile(images, (self.copies, *[1] * (len(images.shape) - 1)))
            batch.kept[self] = batch.forward(batch.strongly_changed(copies))
        return batch.kept[self]

    def __call__(self, batch):
        features = ops.cast(self._changed(batch)[0], "float32")
        pooled = self.pool(features) if len(features.shape) == 4 else features
        return ops.mean(exemplar_loss(self.embed(pooled), self.copies))

    def labelled_copies(self, batch):
        logits = self._changed(batch)[1]
        of_labelled = ops.reshape(logits, (self.copies, -1, logits.shape[-1]))[:, : ops.shape(batch.labels)[0]]
        return ops.reshape(of_labelled, (-1, logits.shape[-1]))

"""Joint training with rotation: by which quarter turn was the image turned?"""

import keras
from keras import ops

from cpc_keras.semi_supervised.term import Term

TURNS = 4


def quarter_turns(images):
    """All four quarter turns of each image, without interpolation, which would tell them apart.

    Args:
        images: Float tensor `[B, S, S, C]`.

    Returns:
        Float tensor `[4·B, S, S, C]`: all images as they are, all turned once
        anticlockwise, twice, three times.

    Raises:
        ValueError: If images are not square.

    Example:

    >>> import numpy as np
    >>> np.asarray(quarter_turns(np.array([[1, 2], [3, 4]]).reshape(1, 2, 2, 1)))[1, :, :, 0].tolist()
    [[2, 4], [1, 3]]
    """
    if images.shape[1] != images.shape[2]:
        raise ValueError(f"`images` must be square to be turned. Received: {images.shape[1]} × {images.shape[2]} px")
    return ops.concatenate([ops.rot90(images, turns, axes=(1, 2)) for turns in range(TURNS)])


def rotation_loss(logits):
    """Cross-entropy of telling the quarter turn.

    Args:
        logits: Float tensor `[4·B, 4]` for images in the order of `quarter_turns`.

    Returns:
        Float32 tensor `[4·B]`; `ln 4` with no information.

    Reference:
        Gidaris et al. 2018, arXiv 1803.07728; joint training, Zhai et al. 2019, arXiv 1905.03670, equation 3.

    Example:

    >>> import numpy as np
    >>> [round(float(one), 3) for one in rotation_loss(np.zeros((4, 4)))]
    [1.386, 1.386, 1.386, 1.386]
    """
    said = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    truth = ops.repeat(ops.eye(TURNS), ops.shape(said)[0] // TURNS, axis=0)
    return -ops.sum(truth * said, axis=-1)


class Rotation(Term):
    """`rotation_loss` on all images, by a linear map on the encoder's pooled output; turned images keep their class.

    Args:
        weight: Its weight.
    """

    name = "rotation"

    def build(self, features):
        self.pool = keras.layers.GlobalAveragePooling2D(name="rotation_pool", data_format="channels_last")
        self.predict = keras.layers.Dense(TURNS, name="rotation", dtype="float32")
        self.predict.build((None, features[-1]))
        return [self.pool, self.predict]

    def _turned(self, batch):
        """`(features, logits)` of all quarter turns of labelled and unlabelled images."""
        if self not in batch.kept:
            batch.kept[self] = batch.forward(quarter_turns(batch.everything))
        return batch.kept[self]

    def __call__(self, batch):
        features = ops.cast(self._turned(batch)[0], "float32")
        pooled = self.pool(features) if len(features.shape) == 4 else features
        return ops.mean(rotation_loss(self.predict(pooled)))

    def labelled_copies(self, batch):
        logits = self._turned(batch)[1]
        turned = ops.reshape(logits, (TURNS, -1, logits.shape[-1]))[1:, : ops.shape(batch.labels)[0]]
        return ops.reshape(turned, (-1, logits.shape[-1]))

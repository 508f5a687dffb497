"""Weak and strong changes of whole images."""

import keras
from keras import ops

from cpc_keras.layers import PatchAugmentation


def WeakAugmentation(flip=True, translation=0.125, seed=0):
    """Images are mirrored half of the time and moved a little.

    Args:
        flip: Whether they are mirrored.
        translation: Largest shift along both sides, as a share of the side; what comes in is 0.
        seed: Whole number.

    Returns:
        A `keras.Sequential` from images `[B, H, W, C]` to images.

    Example:

    >>> import numpy as np
    >>> WeakAugmentation()(np.ones((2, 8, 8, 1)), training=True).shape
    TensorShape([2, 8, 8, 1])
    """
    moved = keras.layers.RandomTranslation(
        translation, translation, fill_mode="constant", interpolation="nearest", seed=seed + 1, dtype="float32"
    )
    mirrored = [keras.layers.RandomFlip("horizontal", seed=seed, dtype="float32")] if flip else []
    return keras.Sequential([*mirrored, moved], name="weak")


@keras.saving.register_keras_serializable(package="cpc_keras")
class StrongAugmentation(keras.layers.Layer):
    """Each image is changed by primitives of AutoAugment, then part of it is erased.

    Args:
        primitives: How many primitives are applied in a row, see
            `cpc_keras.layers.PatchAugmentation`.
        erased: Smallest and largest share of the area that is erased.
        fill: Value of what is erased or comes from outside.
        seed: Whole number.

    Call arguments:
        images: Float tensor `[B, H, W, C]`, values in `[0, 1]`.
        training: Whether to change them.

    Output shape:
        Same as the input.

    Reference:
        Xie et al. 2019, arXiv 1904.12848, section 2.2: two operations of RandAugment and
        cut-out.

    Example:

    >>> import numpy as np
    >>> images = np.random.default_rng(0).uniform(size=(2, 16, 16, 3)).astype("float32")
    >>> changed = np.asarray(StrongAugmentation()(images, training=True))
    >>> changed.shape, bool((changed == images).all())
    ((2, 16, 16, 3), False)
    """

    def __init__(self, primitives=2, erased=(0.02, 0.25), fill=0.5, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.primitives = primitives
        self.erased = tuple(erased)
        self.fill = fill
        self.seed = seed
        self.changes = PatchAugmentation(primitives=primitives, fill=fill, seed=seed)
        self.erasing = keras.layers.RandomErasing(
            1.0, scale=self.erased, fill_value=fill, value_range=(0.0, 1.0), seed=seed, dtype="float32"
        )

    def call(self, images, training=False):
        if not training:
            return images
        changed = self.changes(images[:, None, None], training=True)[:, 0, 0]
        return ops.cast(self.erasing(ops.cast(changed, "float32"), training=True), images.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {name: getattr(self, name) for name in ("primitives", "erased", "fill", "seed")}
        return {**super().get_config(), **own}

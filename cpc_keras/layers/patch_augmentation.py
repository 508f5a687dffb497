"""Random changes that each patch draws for itself."""

import keras
from keras import ops

_COLOUR_CHANNELS = 3


@keras.saving.register_keras_serializable(package="cpc_keras")
class PatchAugmentation(keras.layers.Layer):
    """Flips, brightens, contrasts and decolours each patch on its own.

    Patches of one image share lighting, colour cast and orientation, and a
    network can solve the contrastive task by these alone. Drawing every change
    anew for every patch takes the short cut away. Active in training only.

    Args:
        flip: Probability that a patch is mirrored left to right.
        brightness: A value from `[-brightness, brightness]` is added.
        contrast: Distances from the patch's mean are multiplied by a value from
            `[1 - contrast, 1 + contrast]`.
        colour_dropping: Probability that two of three colour channels are
            replaced by the third. Patches with any other number of channels
            are left as they are.
        seed: Integer or `keras.random.SeedGenerator`.

    Call arguments:
        patches: Float tensor `[B, rows, cols, p, p, C]`, values in `[0, 1]`.
        training: Whether to augment.

    Output shape:
        Same as the input; values may leave `[0, 1]` (clipping would flatten
        bright patches).

    Raises:
        ValueError: If a probability or strength is outside `[0, 1]`.

    Reference:
        Hénaff et al. 2019, arXiv 1905.09272, Figure 3: colour dropping ("RC")
        and per-patch augmentation ("PA").

    Example:

    >>> import numpy as np
    >>> patches = np.full((1, 2, 2, 4, 4, 3), 0.5, "float32")
    >>> out = PatchAugmentation(brightness=0.4, seed=1)(patches, training=True)
    >>> len(np.unique(out)) == 4  # each of the four patches drew its own value
    True
    """

    def __init__(self, flip=0.0, brightness=0.0, contrast=0.0, colour_dropping=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        for name, value in (
            ("flip", flip),
            ("brightness", brightness),
            ("contrast", contrast),
            ("colour_dropping", colour_dropping),
        ):
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"`{name}` must lie in [0, 1]. Received: {name}={value}")
        self.flip = flip
        self.brightness = brightness
        self.contrast = contrast
        self.colour_dropping = colour_dropping
        self.seed = seed
        self.seed_generator = seed if isinstance(seed, keras.random.SeedGenerator) else keras.random.SeedGenerator(seed)

    def call(self, patches, training=False):
        if not training:
            return patches
        if self.flip:
            flipped = ops.flip(patches, axis=4)
            patches = ops.where(self._happens(patches, self.flip), flipped, patches)
        if self.colour_dropping and patches.shape[-1] == _COLOUR_CHANNELS:
            patches = ops.where(self._happens(patches, self.colour_dropping), self._one_channel(patches), patches)
        if self.contrast:
            mean = ops.mean(patches, axis=(3, 4, 5), keepdims=True)
            factor = self._uniform(patches, 1.0 - self.contrast, 1.0 + self.contrast)
            patches = mean + (patches - mean) * factor
        if self.brightness:
            patches = patches + self._uniform(patches, -self.brightness, self.brightness)
        return patches

    def _uniform(self, patches, low, high):
        """One value a patch: `[B, rows, cols, 1, 1, 1]`."""
        shape = (*ops.shape(patches)[:3], 1, 1, 1)
        values = keras.random.uniform(shape, low, high, dtype="float32", seed=self.seed_generator)
        return ops.cast(values, patches.dtype)

    def _happens(self, patches, probability):
        return self._uniform(patches, 0.0, 1.0) < probability

    def _one_channel(self, patches):
        drawn = self._uniform(patches, 0.0, float(_COLOUR_CHANNELS))
        channel = ops.clip(ops.cast(drawn, "int32"), 0, _COLOUR_CHANNELS - 1)
        chosen = ops.cast(ops.equal(channel, ops.arange(_COLOUR_CHANNELS)), patches.dtype)
        kept = ops.sum(patches * chosen, axis=-1, keepdims=True)
        return ops.broadcast_to(kept, ops.shape(patches))

    # Keras does not save a layer's random state by itself; without it, a resumed
    # training would draw the numbers of its beginning again.
    def save_own_variables(self, store):
        store["random_state"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        self.seed_generator.state.assign(store["random_state"])

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "flip": self.flip,
            "brightness": self.brightness,
            "contrast": self.contrast,
            "colour_dropping": self.colour_dropping,
            "seed": self.seed,
        }

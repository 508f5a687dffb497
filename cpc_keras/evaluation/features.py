"""Frozen features: the maps of an image, pooled in several ways."""

import numpy as np
import tensorflow as tf
from keras import ops

from cpc_keras.data.pipeline import encoding_batches
from cpc_keras.layers.grid_pooling import pool_grid, pool_moments

# How the maps of an image may be pooled; the labelled subset chooses among them.
POOLINGS = ("mean", "locations", "grid2", "grid3", "map3", "grid3_map3", "local")
# Of these, and those of other features, what a probe is put on unless held-out labels surely speak for another: the
# first that is there.
USUAL_POOLINGS = ("grid3_map3", "grid3", "statistics_hog")
# With this ending, the second moment of a pooling, from which its scale is taken; the name is that of files in stores.
SECOND_MOMENT = "_square"
# How far images are moved in training, as a share of the side: 1 px in 28. An eighth, usual on photographs, cost a
# network trained from scratch 3 to 5 points on Fashion-MNIST, whose garments are all centred.
SLIGHT_TRANSLATION = 0.04


def translation_pixels(share, side):
    """Pixels that a share of the side is, at least 1.

    Example:

    >>> translation_pixels(0.04, 28), translation_pixels(0.125, 28), translation_pixels(0.125, 224)
    (1, 3, 28)
    """
    return max(1, int(share * side))


def pool(pooling, grid, whole):
    """Pools the maps of images in one of `POOLINGS`.

    * `mean`, `grid2`, `grid3`: the patch grid averaged over 1, 2 × 2 and 3 × 3
      areas;
    * `locations`: the mean once more; a probe scales it by the deviation over single
      locations, see `cpc_keras.evaluation.probes.LinearProbe`;
    * `map3`: the encoder's map of the whole image, without patches, averaged
      over 3 × 3 areas;
    * `grid3_map3`: both of these;
    * `local`: mean, standard deviation and maximum over the locations of the grid, and over
      those of the map. Where something is, is lost; that it is somewhere stays, however
      small it is. (Distances to typical locations, 64 centers of k-means, beside these
      added nothing on pictograms, with or without a spot of 2 × 2 px to be found.)

    Args:
        pooling: Its name.
        grid: The patch grid `z`, `[B, rows, cols, D]`.
        whole: The unpatched map, `[B, h, w, D]`.

    Returns:
        Float32 tensor `[B, D]`.
    """
    if pooling == "grid3_map3":
        return ops.concatenate([pool_grid(grid, 3), pool_grid(whole, 3)], axis=-1)
    if pooling == "map3":
        return pool_grid(whole, 3)
    if pooling == "local":
        return ops.concatenate([pool_moments(grid), pool_moments(whole)], axis=-1)
    return pool_grid(grid, {"mean": 1, "locations": 1, "grid2": 2, "grid3": 3}[pooling])


def with_joined(features):
    """Adds the pooling that is two others side by side, which is not stored."""
    if {"grid3", "map3"} <= set(features):
        return {**features, "grid3_map3": np.concatenate([features["grid3"], features["map3"]], axis=1)}
    return features


def stored_names(poolings):
    """The stored arrays that poolings are made of, with the second moments of those that have them.

    Example:

    >>> sorted(stored_names(["grid3_map3"]))
    ['grid3', 'grid3_square', 'map3', 'map3_square']
    """
    parts = [part for pooling in poolings for part in (("grid3", "map3") if pooling == "grid3_map3" else (pooling,))]
    return {*parts, *(f"{part}{SECOND_MOMENT}" for part in parts)}


class EncoderFeatures:
    """All poolings of a frozen CPC encoder, see `pool`.

    Args:
        model: A `CPC` model.

    Call arguments:
        images: Float32 tensor `[B, H, W, C]`, values in `[0, 1]`.

    Returns:
        A dictionary from pooling to float32 array `[B, D]`, without
        `grid3_map3`, which `with_joined` adds.
    """

    # Names this set of poolings: another set is kept apart from it.
    VERSION = "2"

    def __init__(self, model):
        self.model = model
        self._compute = tf.function(self._pooled, reduce_retracing=True)

    def _pooled(self, images):
        grid = self.model.encode(images)
        whole = self.model.encoder(images, training=False)
        features = {name: pool(name, grid, whole) for name in POOLINGS if name != "grid3_map3"}
        return {**features, f"locations{SECOND_MOMENT}": pool_grid(ops.square(grid), 1)}

    def __call__(self, images):
        return {name: pooled.numpy() for name, pooled in self._compute(images).items()}


class MapFeatures:
    """Poolings of any frozen encoder, from its map or vector.

    Args:
        encoder: Function from images to maps `[B, h, w, D]` or vectors `[B, D]`.
        input_shape: `(None, h, w, C)` that it takes; `None` where it is free.
        value_range: What the values 0 and 1 are turned into.

    Call arguments:
        images: Float32 tensor `[B, H, W, C]`, values in `[0, 1]`.

    Returns:
        A dictionary from pooling to float32 array `[B, D]`: `vector`, or `mean`,
        `grid2`, `grid3` and `local` of the map.
    """

    VERSION = "2"

    def __init__(self, encoder, input_shape, value_range=(0.0, 1.0)):
        self.encoder = encoder
        self.input_shape = input_shape
        self.value_range = value_range

    def __call__(self, images):
        _, height, width, channels = self.input_shape
        size = (height or images.shape[1], width or images.shape[2])
        if size != tuple(images.shape[1:3]):
            images = tf.image.resize(images, size, antialias=True)
        if images.shape[-1] != channels:
            images = tf.repeat(images, 3, axis=-1) if channels == 3 else tf.image.rgb_to_grayscale(images)
        low, high = self.value_range
        maps = np.asarray(self.encoder(low + (high - low) * images), "float32")
        if maps.ndim == 2:
            return {"vector": maps}
        cells = {"mean": 1, "grid2": 2, "grid3": 3}
        pooled = {name: pool_grid(maps, count) for name, count in cells.items()} | {"local": pool_moments(maps)}
        return {name: np.asarray(values) for name, values in pooled.items()}


class AugmentedMaps:
    """Maps of an image as it is, and of mirrored and translated copies of it.

    Args:
        encoder: `keras.Model` from images to maps `[B, h, w, D]`.
        copies: How many maps an image, out of `ALL`; the first is of the image
            as it is. Translations are by `SLIGHT_TRANSLATION`, zeros move in.
        flip: Whether some are mirrored; those that would be stay as they are otherwise.

    Call arguments:
        images: Float32 tensor `[B, H, W, C]`, values in `[0, 1]`.

    Returns:
        A dictionary with `map`, float16 array `[B, copies, h, w, D]`.
    """

    # Mirrored or not, and which way it is translated, down and right.
    _MOVES = ((False, 0, 0), (True, 0, 0), (False, 1, 0), (True, -1, 0), (True, 0, 1), (False, 0, -1))
    ALL = len(_MOVES)
    # The first of them, which are not translated.
    UNMOVED = 2

    def __init__(self, encoder, copies, flip=True):
        self.encoder = encoder
        self.copies = copies
        self.flip = flip
        self._compute = tf.function(self._maps, reduce_retracing=True)

    def _maps(self, images):
        moves = [(mirrored and self.flip, *way) for mirrored, *way in self._MOVES[: self.copies]]
        maps = [self.encoder(_moved(images, *move), training=False) for move in moves]
        return tf.cast(tf.stack(maps, axis=1), tf.float16)

    def __call__(self, images):
        return {"map": self._compute(images).numpy()}


def _moved(images, mirrored, down, right):
    if mirrored:
        images = images[:, :, ::-1]
    height, width = images.shape[1:3]
    pad_y, pad_x = translation_pixels(SLIGHT_TRANSLATION, height), translation_pixels(SLIGHT_TRANSLATION, width)
    padded = tf.pad(images, ((0, 0), (pad_y, pad_y), (pad_x, pad_x), (0, 0)))
    top, left = pad_y * (1 - down), pad_x * (1 - right)
    return padded[:, top : top + height, left : left + width]


class PixelFeatures:
    """Raw pixels, the floor that any encoder has to beat.

    Args:
        side: Images larger than this are averaged down to it, in pixels.

    Call arguments:
        images: Float32 tensor `[B, H, W, C]`, values in `[0, 1]`.

    Returns:
        A dictionary with the one entry `pixels`, float32 `[B, h · w · C]`.
    """

    def __init__(self, side=32):
        self.side = side

    def __call__(self, images):
        images = np.asarray(images)
        if max(images.shape[1:3]) > self.side:
            images = np.asarray(tf.image.resize(images, (self.side, self.side), method="area"))
        return {"pixels": images.reshape(len(images), -1)}


def extract(features, images, crop, batch_size=128, progress=None):
    """Computes the features of every image.

    Args:
        features: An `EncoderFeatures`, `PixelFeatures` or the like.
        images: An `ImageSet`.
        crop: Side of the centre crop in pixels.
        batch_size: Images at a time.
        progress: Function called with the number of images done after each batch.

    Returns:
        A dictionary from pooling to float32 array `[N, D]`.
    """
    parts = []
    for batch in encoding_batches(images, batch_size, crop):
        parts.append(features(batch))
        if progress:
            progress(len(batch))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

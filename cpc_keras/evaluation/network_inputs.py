"""What networks learn from and are examined on: images, or maps of a frozen encoder."""

import math

import numpy as np
import tensorflow as tf

from cpc_keras.data.pipeline import encoding_batches, training_batches, untuned
from cpc_keras.evaluation.features import MapCopies, shift_pixels

_EXAMINED_AT_A_TIME = 250


class ImageInputs:
    """Images, mirrored and shifted in training.

    Args:
        images: An `ImageSet` with labels.
        crop: Side of the crop in pixels.
    """

    def __init__(self, images, crop):
        self.images = images
        self.crop = crop
        self.labels = images.labels

    def subset(self, positions):
        """The images at `positions`."""
        return ImageInputs(self.images.subset(positions), self.crop)

    def training(self, batch_size, seed, steps, shift):
        """`tf.data.Dataset` of `(images, labels, weights)`, shifted by up to this share of the side."""
        labels, weights = tf.constant(self.labels), tf.constant(class_weights(self.labels))
        pad = shift_pixels(shift, self.crop) if shift else 0
        batches = training_batches(self.images, batch_size, self.crop, seed, flip=True, pad=pad, steps=steps)
        return batches.map(lambda images, at: (images, tf.gather(labels, at), tf.gather(weights, at)))

    def examination(self):
        """`tf.data.Dataset` of images, in order, as they are."""
        return encoding_batches(self.images, _EXAMINED_AT_A_TIME, self.crop)


class MapInputs:
    """Maps of a frozen encoder, in training those of mirrored and shifted images.

    Args:
        store: A prepared `FeatureStore` of `MapCopies`.
        positions: Integer array `[N]`.
        labels: Integer array `[N]`, or `None` for examination only.
    """

    def __init__(self, store, positions, labels=None):
        self.store = store
        self.positions = np.asarray(positions)
        self.labels = labels

    def subset(self, chosen):
        """The maps at `chosen`, counted among these."""
        return MapInputs(self.store, self.positions[chosen], None if self.labels is None else self.labels[chosen])

    def training(self, batch_size, seed, steps, shift):
        """`tf.data.Dataset` of `(maps, labels, weights)`; without a shift those of shifted copies are left out."""

        def seen(chosen, rng):
            maps = self.store.of(self.positions[chosen])["map"]
            copies = maps.shape[1] if shift else min(maps.shape[1], MapCopies.UNMOVED)
            return maps[np.arange(len(chosen)), rng.integers(copies, size=len(chosen))].astype("float32")

        shape = self.store.of(self.positions[:1])["map"].shape[2:]
        return _passes(seen, shape, self.labels, batch_size, seed, steps)

    def examination(self):
        """Batches of maps, in order."""
        for first in range(0, len(self.positions), _EXAMINED_AT_A_TIME):
            maps = self.store.of(self.positions[first : first + _EXAMINED_AT_A_TIME])["map"]
            yield maps[:, 0].astype("float32")


class VectorInputs:
    """Pooled features of a frozen encoder.

    Args:
        vectors: Float32 array `[N, D]`.
        labels: Integer array `[N]`, or `None` for examination only.
    """

    def __init__(self, vectors, labels=None):
        self.vectors = vectors
        self.labels = labels

    def subset(self, chosen):
        """The vectors at `chosen`."""
        return VectorInputs(self.vectors[chosen], None if self.labels is None else self.labels[chosen])

    def training(self, batch_size, seed, steps, shift=None):
        """`tf.data.Dataset` of `(vectors, labels, weights)`; nothing is shifted."""
        shape = self.vectors.shape[1:]
        return _passes(lambda chosen, rng: self.vectors[chosen], shape, self.labels, batch_size, seed, steps)

    def examination(self):
        """Batches of vectors, in order."""
        for first in range(0, len(self.vectors), _EXAMINED_AT_A_TIME):
            yield self.vectors[first : first + _EXAMINED_AT_A_TIME]


def _passes(seen, shape, labels, batch_size, seed, steps):
    """`tf.data.Dataset` of `(inputs, labels, weights)`, one shuffled pass over the labels after the other.

    `seen(chosen, rng)` gives the inputs at some positions, float32 of `shape` each.
    """
    weights = class_weights(labels)

    def batches():
        rng = np.random.default_rng(seed)
        count = len(labels)
        order = np.concatenate([rng.permutation(count) for _ in range(math.ceil(steps * batch_size / count))])
        for step in range(steps):
            chosen = order[step * batch_size : (step + 1) * batch_size]
            yield seen(chosen, rng), labels[chosen], weights[chosen]

    signature = (
        tf.TensorSpec((None, *shape), tf.float32),
        tf.TensorSpec((None,), tf.int64),
        tf.TensorSpec((None,), tf.float32),
    )
    return untuned(tf.data.Dataset.from_generator(batches, output_signature=signature))


def class_weights(labels):
    """Weight of each label, mean 1, with which every class counts alike.

    Example:

    >>> [round(float(weight), 2) for weight in class_weights([0, 0, 0, 1])]
    [0.67, 0.67, 0.67, 2.0]
    """
    classes, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return (len(labels) / (len(classes) * counts[place])).astype("float32")

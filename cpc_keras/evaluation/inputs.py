"""What networks are trained and tested on: images, or maps or vectors of a frozen encoder.

Each kind is one class. As a whole it stands for the images of a `LabelledImages`;
`train(split)` and `test(split)` give those of a `Split`, with the same methods.
"""

import math

import numpy as np
import tensorflow as tf

from cpc_keras.data.pipeline import encoding_batches, training_batches, untuned
from cpc_keras.evaluation.features import POOLINGS, SECOND_MOMENT, AugmentedMaps, translation_pixels, with_joined
from cpc_keras.evaluation.pooled_probe import moments

_TEST_BATCH = 250
# Added to the seed by which images without labels are put in order: another order than that of labelled ones.
_OTHERS = 1_000_003


class ImageInputs:
    """Images, translated and perhaps mirrored in training.

    Args:
        images: An `ImageSet` with labels.
        crop: Side of the crop in pixels.
        test_images: That of `test(split)`.
        flip: Whether half of them are mirrored in training.
        unlabelled_of: Function from a `Split` to the `ImageSet` of those to learn from
            without labels; `None` for networks that learn from labels alone.
        unlabelled: These.
        class_shares: How frequent classes are taken to be among these, as of
            `cpc_keras.evaluation.propagated.PropagatedProbe`; `None` is up to each `Split`.

    Attributes:
        targets: Class probabilities `[U, classes]` of the images without labels, if
            something said any before a training.
    """

    def __init__(
        self, images, crop, test_images=None, flip=True, unlabelled_of=None, unlabelled=None, class_shares=None
    ):
        self.images = images
        self.crop = crop
        self.test_images = test_images
        self.flip = flip
        self.unlabelled_of = unlabelled_of
        self.unlabelled = unlabelled
        self.class_shares = class_shares
        self.targets = None
        self.labels = images.labels

    def prepare(self, splits, progress, test=True):
        """Computes what splits ask for: nothing."""

    def train(self, split):
        """Those that a `Split` trains on."""
        found = self.subset(split.train)
        if self.unlabelled_of:
            found.unlabelled = self.unlabelled_of(split)
            found.class_shares = self.class_shares or split.class_shares
        return found

    def test(self, split):
        """Those that a `Split` tests on."""
        return ImageInputs(self.test_images.subset(split.test), self.crop)

    def subset(self, positions):
        """Those at `positions`, and all that have no label."""
        given = {"flip": self.flip, "unlabelled": self.unlabelled, "class_shares": self.class_shares}
        return ImageInputs(self.images.subset(positions), self.crop, **given)

    def training_batches(self, batch_size, seed, steps, translation):
        """`tf.data.Dataset` of `(images, labels, weights)`, translated by up to this share of the side."""
        labels, weights = tf.constant(self.labels), tf.constant(class_weights(self.labels))
        batches = self._batches(self.images, batch_size, seed, steps, translation)
        return batches.map(lambda images, at: (images, tf.gather(labels, at), tf.gather(weights, at)))

    def unlabelled_batches(self, batch_size, seed, steps, translation, is_taught=False):
        """`tf.data.Dataset` of images without labels, translated alike; with `is_taught` of `(images, targets)`."""
        batches = self._batches(self.unlabelled, batch_size, _OTHERS + seed, steps, translation)
        if not is_taught or self.targets is None:
            return batches.map(lambda images, _: images)
        targets = tf.constant(self.targets)
        return batches.map(lambda images, at: (images, tf.gather(targets, at)))

    def _batches(self, images, batch_size, seed, steps, translation):
        pad = translation_pixels(translation, self.crop) if translation else 0
        return training_batches(images, batch_size, self.crop, seed, flip=self.flip, pad=pad, steps=steps)

    def batches(self):
        """`tf.data.Dataset` of images, in order, as they are."""
        return encoding_batches(self.images, _TEST_BATCH, self.crop)


class MapInputs:
    """Maps of a frozen encoder, in training those of mirrored and translated images.

    Few labels may have more augmented copies of each image than many.

    Args:
        many: `FrozenFeatures` of `AugmentedMaps`.
        few: Those for up to `most` labels; `many` if `None`.
        most: The number.
        labels: Integer array `[N]`, or `None` for tests only.
        store: The `FeatureStore` of these.
        positions: Integer array `[N]`, their places in it.
    """

    def __init__(self, many=None, few=None, most=0, labels=None, store=None, positions=None):
        self.many = many
        self.few = few or many
        self.most = most
        self.labels = labels
        self.store = store
        self.positions = positions

    def prepare(self, splits, progress, test=True):
        """Computes the maps that splits ask for."""
        for features in dict.fromkeys((self.few, self.many)):
            mine = [split for split in splits if self._of(split) is features]
            features.prepare(mine, progress, unlabelled=False, test=False)
        if test:
            self.many.prepare(splits, progress, train=False, unlabelled=False)

    def _of(self, split):
        return self.few if len(split.train) <= self.most else self.many

    def train(self, split):
        """Those that a `Split` trains on."""
        return MapInputs(labels=self.labels[split.train], store=self._of(split).train, positions=split.train)

    def test(self, split):
        """Those that a `Split` tests on."""
        return MapInputs(store=self.many.test, positions=split.test)

    def subset(self, positions):
        """Those at `positions`, counted among these."""
        labels = None if self.labels is None else self.labels[positions]
        return MapInputs(labels=labels, store=self.store, positions=self.positions[positions])

    def training_batches(self, batch_size, seed, steps, translation):
        """`tf.data.Dataset` of `(maps, labels, weights)`; without a translation, translated copies stay out."""

        def seen(chosen, rng):
            maps = self.store.of(self.positions[chosen])["map"]
            copies = maps.shape[1] if translation else min(maps.shape[1], AugmentedMaps.UNMOVED)
            return maps[np.arange(len(chosen)), rng.integers(copies, size=len(chosen))].astype("float32")

        shape = self.store.of(self.positions[:1])["map"].shape[2:]
        return _epochs(seen, shape, self.labels, batch_size, seed, steps)

    def batches(self):
        """Batches of maps, in order."""
        for first in range(0, len(self.positions), _TEST_BATCH):
            maps = self.store.of(self.positions[first : first + _TEST_BATCH])["map"]
            yield maps[:, 0].astype("float32")


class VectorInputs:
    """All poolings of a frozen encoder side by side, each feature standardised by images without labels.

    Args:
        features: The `FrozenFeatures`.
        labels: Integer array `[N]`, or `None` for tests only.
        vectors: Float32 array `[N, D]`.

    Attributes:
        spans: Dictionary from pooling to its first column and the one after its last,
            once splits were prepared.
    """

    def __init__(self, features=None, labels=None, vectors=None):
        self.features = features
        self.labels = labels
        self.vectors = vectors
        self.spans = {}

    @property
    def width(self):
        """Number of columns."""
        return max(end for _, end in self.spans.values())

    def prepare(self, splits, progress, test=True):
        """Computes the features that splits ask for."""
        self.features.prepare(splits, progress, test=test)
        self.spans = _spans(self.features.train.of(splits[0].train[:1]))

    def train(self, split):
        """Those that a `Split` trains on."""
        return VectorInputs(
            labels=self.labels[split.train], vectors=self._standardised(self.features.train, split.train, split)
        )

    def test(self, split):
        """Those that a `Split` tests on."""
        return VectorInputs(vectors=self._standardised(self.features.test, split.test, split))

    def _standardised(self, store, positions, split):
        mean, deviation = moments({"all": _side_by_side(self.features.train.of(split.unlabelled))}, "all")
        return (_side_by_side(store.of(positions)) - mean) / deviation

    def subset(self, positions):
        """Those at `positions`."""
        labels = None if self.labels is None else self.labels[positions]
        return VectorInputs(labels=labels, vectors=self.vectors[positions])

    def training_batches(self, batch_size, seed, steps, translation=None):
        """`tf.data.Dataset` of `(vectors, labels, weights)`; nothing is translated."""
        shape = self.vectors.shape[1:]
        return _epochs(lambda chosen, rng: self.vectors[chosen], shape, self.labels, batch_size, seed, steps)

    def batches(self):
        """Batches of vectors, in order."""
        for first in range(0, len(self.vectors), _TEST_BATCH):
            yield self.vectors[first : first + _TEST_BATCH]


def _columns(features):
    """Names of the poolings that are columns of their own; `locations` is the mean once more."""
    known = [name for name in POOLINGS if name in features and name != "locations"]
    return known or [name for name in features if not name.endswith(SECOND_MOMENT)]


def _side_by_side(features):
    return np.concatenate([features[name] for name in _columns(features)], axis=1).astype("float32")


def _spans(features):
    spans, column = {}, 0
    for name in _columns(features):
        spans[name] = (column, column + features[name].shape[1])
        column = spans[name][1]
    if "grid3_map3" in with_joined(features):  # which stand beside each other
        spans["grid3_map3"] = (spans["grid3"][0], spans["map3"][1])
    return spans


def _epochs(seen, shape, labels, batch_size, seed, steps):
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

"""A classifier that learns from labelled and unlabelled images at once."""

import contextlib

import keras
import tensorflow as tf
from keras import ops

from cpc_keras.models.step import TrainingStep
from cpc_keras.semi_supervised.batch import Batch
from cpc_keras.semi_supervised.divergence import log_of

# What Keras calls the state of a random generator.
_SEED = "seed_generator_state"


class SemiSupervised(TrainingStep, keras.Model):
    """Trains an encoder and a classifier on it with few labelled and many unlabelled images.

    The loss of a step is the cross-entropy of the labelled images, and of what further
    copies of these the terms make, plus `weight` times each term. Labelled and
    unlabelled images go through the network together. What a term changes of an image
    moves no statistics of batch norm. `classifier` is what to save in the end. It trains
    on TensorFlow.

    Args:
        encoder: A `keras.Model` from images to maps `[B, h, w, D]` or vectors `[B, D]`.
        head: A `keras.Model` from these to class probabilities, such as
            `cpc_keras.models.ClassifierHead`.
        losses: Terms, such as `VAT`; none is plain supervised learning.
        weak: Layer that changes images weakly, called with `training=True`; `None` leaves
            them as they are.
        strong: Layer that changes images strongly, see `StrongAugmentation`; terms that
            ask for it need it.
        class_weight: Factor on the cross-entropy of the labelled images.
        label_smoothing: Share of each target that all classes have alike.
        seed: Whole number, of the noise that terms draw.

    Call arguments:
        images: Float tensor `[B, …]`.

    Returns:
        `call` returns float32 class probabilities `[B, classes]`.

    Raises:
        ValueError: If two terms have one name, or a term asks for strongly changed images
            and there is no `strong`.

    Reference:
        See each term; one network and one optimizer for both kinds of images, as Oliver
        et al. 2018, arXiv 1804.09170, compare methods.

    Example:

    Two labelled points and sixty without labels, in two clusters:

    >>> import numpy as np
    >>> from cpc_keras.semi_supervised import VAT, Entropy
    >>> rng = np.random.default_rng(0)
    >>> truth = np.arange(60) % 2
    >>> points = (rng.normal(size=(60, 2)) * 0.3 + truth[:, None]).astype("float32")
    >>> encoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(16, "relu")])
    >>> head = keras.Sequential([keras.Input((16,)), keras.layers.Dense(2, "softmax")])
    >>> model = SemiSupervised(encoder, head, [VAT(epsilon=0.3), Entropy(weight=0.1)])
    >>> model.compile(optimizer=keras.optimizers.Adam(0.02))
    >>> few = points[:2], truth[:2]
    >>> history = model.fit((few, points), batch_size=2, unlabelled_batch_size=20, epochs=20, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'class_loss', 'entropy', 'loss', 'vat']
    >>> model.predict(points, verbose=0).shape
    (60, 2)
    """

    def __init__(
        self,
        encoder,
        head,
        losses=(),
        weak=None,
        strong=None,
        class_weight=1.0,
        label_smoothing=0.0,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        names = [term.name for term in losses]
        if len(set(names)) < len(names):
            raise ValueError(f"`losses` must be terms of different names. Received: {', '.join(names)}")
        missing = [term.name for term in losses if term.needs_strong and strong is None]
        if missing:
            raise ValueError(f"`strong` must be a layer for {', '.join(missing)}. Received: strong=None")
        self.encoder = encoder
        self.head = head
        self.terms = list(losses)
        self.weak = weak
        self.strong = strong
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.seed_generator = keras.random.SeedGenerator(seed)
        features = encoder.output_shape
        self.of_terms = [layer for term in self.terms for layer in term.build(features)]
        self.steps_done = self._number("steps_done", "int64", 0)
        self.steps_in_all = self._number("steps_in_all", "int64", 1)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in ("class_loss", *names)}
        self._accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        self._before: list[tuple] = []
        self.built = True

    def _number(self, name, dtype, value):
        return self.add_weight(
            name=name,
            shape=(),
            dtype=dtype,
            trainable=False,
            initializer=keras.initializers.Constant(value),
            aggregation="only_first_replica",
        )

    def call(self, images, training=False):
        return self.head(self.encoder(images, training=training), training=training)

    @property
    def classifier(self):
        """A plain `keras.Model` from images to probabilities, the encoder and the head as they are, to be saved."""
        images = keras.Input(self.encoder.input_shape[1:], name="images")
        return keras.Model(images, self.head(self.encoder(images)), name="classifier")

    def forward(self, images, training):
        """`(features, logits)`: what the encoder gives, and logarithms of probabilities, float32 `[B, classes]`."""
        features = self.encoder(images, training=training)
        return features, log_of(self.head(features, training=training))

    def fit(self, data, batch_size=16, unlabelled_batch_size=112, epochs=1, steps_per_epoch=None, seed=0, **kwargs):
        """Trains.

        Args:
            data: `(labelled, unlabelled)`: either `((images, labels), images)`, arrays, or two
                `tf.data.Dataset`s of batches `(images, labels)` (or `(images, labels,
                weights)`) and `images`, which are repeated. Labelled images belong
                among the unlabelled ones, too. In place of unlabelled images there may be
                `(images, probabilities)`, `[U, classes]`, what an earlier classifier says of
                these, which `PseudoLabel` then learns from.
            batch_size: Labelled images a step, of arrays.
            unlabelled_batch_size: Unlabelled images a step, of arrays.
            epochs: Number of epochs.
            steps_per_epoch: Steps an epoch; of arrays once through the unlabelled images if
                `None`.
            seed: Seed of the order of arrays.
            **kwargs: As of `keras.Model.fit`.

        Returns:
            As `keras.Model.fit`.

        Raises:
            ValueError: If datasets are given without `steps_per_epoch`.
        """
        labelled, unlabelled = data
        if not isinstance(unlabelled, tf.data.Dataset):
            batch_size = min(batch_size, len(labelled[0]))
            count = len(unlabelled[0] if isinstance(unlabelled, tuple) else unlabelled)
            unlabelled_batch_size = min(unlabelled_batch_size, count)
            steps_per_epoch = steps_per_epoch or count // unlabelled_batch_size
            labelled = _batches(tuple(labelled), batch_size, 2 * seed)
            unlabelled = _batches(unlabelled, unlabelled_batch_size, 2 * seed + 1)
        elif steps_per_epoch is None:
            raise ValueError("`steps_per_epoch` must be given with datasets. Received: steps_per_epoch=None")
        self.steps_in_all.assign(self.steps_done + epochs * steps_per_epoch)
        both = tf.data.Dataset.zip(labelled.repeat(), unlabelled.repeat())
        return super().fit(both, epochs=epochs, steps_per_epoch=steps_per_epoch, **kwargs)

    def train_step(self, data):
        (images, labels, *weights), unlabelled = data
        unlabelled, targets = unlabelled if isinstance(unlabelled, tuple) else (unlabelled, None)
        labels = ops.reshape(ops.cast(labels, "int32"), (-1,))
        unchanged = ops.concatenate([images, ops.cast(unlabelled, images.dtype)])
        everything = unchanged if self.weak is None else self.weak(unchanged, training=True)
        self._before = [(variable, variable + 0) for variable in self._seeds()]
        with tf.GradientTape() as tape:
            _, all_logits = self.forward(everything, training=True)
            share = ops.cast(self.steps_done, "float32") / ops.cast(self.steps_in_all, "float32")
            batch = Batch(self, labels, share, everything, unchanged, all_logits, targets)
            losses = {"class_loss": self._class_loss(batch, weights[0] if weights else None)}
            losses |= {term.name: term(batch) for term in self.terms}
            factors = [self.class_weight, *(term.weight for term in self.terms)]
            loss = sum(factor * one for factor, one in zip(factors, losses.values(), strict=True))
            loss = loss + sum(ops.cast(ops.sum(one), "float32") for one in self.losses)
            scaled = self.optimizer.scale_loss(loss * self._share(images))
        self._apply(tape.gradient(scaled, self.trainable_weights))
        self.steps_done.assign_add(1)
        for name, value in losses.items():
            self._trackers[name].update_state(value)
        self._accuracy.update_state(labels, batch.logits)
        return self._log(images, None, loss)

    def test_step(self, data):
        images, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        logits = self.forward(images, training=False)[1]
        labels = ops.reshape(ops.cast(labels, "int32"), (-1,))
        loss = _weighted(self._cross_entropy(labels, logits), weights)
        self._accuracy.update_state(labels, logits)
        self._trackers["class_loss"].update_state(loss)
        self._loss_tracker.update_state(loss)
        return {metric.name: metric.result() for metric in (self._loss_tracker, self._accuracy)}

    def _class_loss(self, batch, weights):
        """Mean cross-entropy of the labelled images and their copies, classes by their given weights."""
        losses, count = [self._cross_entropy(batch.labels, batch.logits)], self.count_of(batch.labels)
        for term in self.terms:
            copies = term.labelled_copies(batch)
            if copies is not None:
                times = (copies.shape[0] or ops.shape(copies)[0]) // count
                losses.append(self._cross_entropy(ops.tile(batch.labels, (times,)), copies))
        by_image = ops.mean(ops.reshape(ops.concatenate(losses), (-1, count)), axis=0)
        for term in self.terms:
            factors = term.label_weights(batch)
            by_image = by_image if factors is None else by_image * factors
        return _weighted(by_image, weights)

    def _cross_entropy(self, labels, logits):
        classes = logits.shape[-1]
        targets = ops.one_hot(labels, classes) * (1.0 - self.label_smoothing) + self.label_smoothing / classes
        return -ops.sum(targets * ops.log_softmax(logits, axis=-1), axis=-1)

    @staticmethod
    def count_of(labels):
        """Number of labelled images of a batch."""
        return labels.shape[0] or ops.shape(labels)[0]

    def _seeds(self):
        """What dropout masks are drawn by."""
        return [variable for variable in self._state() if variable.name == _SEED]

    def _state(self):
        """What a pass through the network changes: statistics of batch norm, and states of random generators."""
        return [variable for part in (self.encoder, self.head) for variable in part.non_trainable_variables]

    @contextlib.contextmanager
    def statistics_kept(self):
        """A context after which what batch norm counts is as before."""
        kept = [(variable, variable + 0) for variable in self._state() if variable.name != _SEED]
        yield
        for variable, value in kept:
            variable.assign(value)

    @contextlib.contextmanager
    def state_as_before(self):
        """A context in which dropout draws as in the step's first pass, and after which all is as it was."""
        now = [(variable, variable + 0) for variable, _ in self._before]
        for variable, value in self._before:
            variable.assign(value)
        with self.statistics_kept():
            yield
        for variable, value in now:
            variable.assign(value)

    @property
    def metrics(self):
        return [self._loss_tracker, self._accuracy, *self._trackers.values()] if self.compiled else []

    def get_metrics_result(self):
        return {metric.name: metric.result() for metric in self.metrics}

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return self.get_metrics_result()


def _weighted(losses, weights):
    return ops.mean(losses if weights is None else losses * ops.reshape(ops.cast(weights, "float32"), (-1,)))


def _batches(arrays, batch_size, seed):
    dataset = tf.data.Dataset.from_tensor_slices(arrays)
    return dataset.shuffle(len(dataset), seed=seed).batch(batch_size, drop_remainder=True)

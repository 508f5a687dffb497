"""The honest rival: the same kind of network, trained from scratch on the same labels."""

import itertools
import math

import keras
import numpy as np
from sklearn.model_selection import StratifiedKFold

from cpc_keras.data.pipeline import encoding_batches, training_batches


class SupervisedBaseline:
    """Trains a classifier from scratch, with a small search of its own.

    AdamW, linear warm-up and cosine decay, mirrored and shifted crops, label
    smoothing. Learning rate and weight decay are chosen by cross-validation
    inside one labelled subset and then kept for the other subsets of its size.

    Args:
        build_model: Function without arguments that returns an untrained
            `keras.Model` from `[B, crop, crop, C]` to class probabilities.
        crop: Side of the crop in pixels.
        learning_rates: Peaks to try.
        weight_decays: Decoupled weight decays to try.
        folds: Folds of the cross-validation.
        steps: Function from the number of labels to optimizer steps.
        batch_size: Images a step, at most.
        seed: Seed of the search.
    """

    def __init__(
        self,
        build_model,
        crop,
        learning_rates=(1e-3, 4e-3),
        weight_decays=(1e-2, 1e-1),
        folds=2,
        steps=None,
        batch_size=32,
        seed=0,
    ):
        self.build_model = build_model
        self.crop = crop
        self.learning_rates = learning_rates
        self.weight_decays = weight_decays
        self.folds = folds
        self.steps = steps or usual_steps
        self.batch_size = batch_size
        self.seed = seed
        self._models = {}

    def search(self, images, progress=None):
        """Chooses a setting by cross-validation.

        Args:
            images: A labelled `ImageSet`.
            progress: Function called after each training.

        Returns:
            `(setting, trials, accuracy)`: the chosen setting as a dictionary,
            the number of settings tried, and its cross-validated accuracy.
        """
        settings = [
            {"learning_rate": rate, "weight_decay": decay}
            for rate, decay in itertools.product(self.learning_rates, self.weight_decays)
        ]
        smallest = np.unique(images.labels, return_counts=True)[1].min()
        if smallest < 2:
            return settings[0], 1, 0.0
        splitter = StratifiedKFold(min(self.folds, smallest), shuffle=True, random_state=self.seed)
        splits = list(splitter.split(np.zeros(len(images)), images.labels))
        scores = []
        for setting in settings:
            hits = []
            for train, test in splits:
                self.fit(images.subset(train), setting, self.seed)
                predicted = self.predict_proba(images.subset(test)).argmax(axis=1)
                hits.append(predicted == images.labels[test])
                if progress:
                    progress()
            scores.append(float(np.concatenate(hits).mean()))
        best = int(np.argmax(scores))
        return settings[best], len(settings), scores[best]

    def fit(self, images, setting, seed):
        """Trains from new weights.

        Args:
            images: A labelled `ImageSet`.
            setting: `{"learning_rate": …, "weight_decay": …}`.
            seed: Seed of weights, order and crops.

        Returns:
            Itself; `model_` is the trained classifier.
        """
        keras.utils.set_random_seed(seed)
        self.model_ = self._fresh(setting["weight_decay"])
        batch_size = min(self.batch_size, len(images))
        steps = self.steps(len(images))
        labels = keras.ops.convert_to_tensor(images.labels)
        batches = training_batches(images, batch_size, self.crop, seed, flip=True, pad=self.crop // 8, steps=steps).map(
            lambda image, position: (image, keras.ops.take(labels, position))
        )
        self.model_.fit(
            batches,
            epochs=1,
            steps_per_epoch=steps,
            callbacks=[_Cosine(setting["learning_rate"], steps)],
            verbose=0,
            shuffle=False,
        )
        return self

    def predict_proba(self, images):
        """Probabilities, `[N, classes]`."""
        return np.concatenate(
            [self.model_.predict_on_batch(batch) for batch in encoding_batches(images, 250, self.crop)]
        )

    def _fresh(self, weight_decay):
        """A model with new weights; compiled once, for tracing costs as much as a short training."""
        new = self.build_model()
        if weight_decay not in self._models:
            new.compile(
                optimizer=keras.optimizers.AdamW(1e-3, weight_decay=weight_decay),
                loss=smoothed_crossentropy,
                jit_compile=False,
            )
            new.optimizer.build(new.trainable_variables)
            self._models[weight_decay] = new
            return new
        model = self._models[weight_decay]
        model.set_weights(new.get_weights())
        for variable in model.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        return model


def smoothed_crossentropy(labels, probabilities, smoothing=0.1):
    """Cross-entropy against targets that keep a tenth for all classes alike.

    Args:
        labels: Integer tensor `[B]`.
        probabilities: Float tensor `[B, classes]`.
        smoothing: Share spread evenly.

    Returns:
        Float tensor `[B]`.
    """
    classes = probabilities.shape[-1]
    targets = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), classes)
    targets = targets * (1.0 - smoothing) + smoothing / classes
    return keras.losses.categorical_crossentropy(targets, probabilities)


def usual_steps(labels):
    """Optimizer steps for a number of labels: more labels, more steps, within bounds."""
    return int(np.clip(20 * math.sqrt(labels), 150, 2000))


class _Cosine(keras.callbacks.Callback):
    """Warm-up over a tenth of the steps, then cosine decay to zero."""

    def __init__(self, peak, steps):
        super().__init__()
        self.peak = peak
        self.steps = steps
        self.warmup = max(1, steps // 10)

    def on_train_batch_begin(self, batch, logs=None):
        if batch < self.warmup:
            rate = self.peak * (batch + 1) / self.warmup
        else:
            done = (batch - self.warmup) / max(1, self.steps - self.warmup)
            rate = self.peak * 0.5 * (1.0 + math.cos(math.pi * done))
        self.model.optimizer.learning_rate.assign(rate)

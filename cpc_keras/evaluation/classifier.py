"""Classifiers that are trained as networks, with a small search inside the labels they are given."""

import functools
import json

import keras
import numpy as np

from cpc_keras.evaluation import holdout
from cpc_keras.evaluation.features import SLIGHT_TRANSLATION
from cpc_keras.evaluation.regimes import STRENGTHS
from cpc_keras.evaluation.reusable_network import ReusableNetwork, is_long
from cpc_keras.evaluation.scores import balanced_score

# What is searched, axis by axis; the first of each is where the search begins.
SPACE = {
    "learning_rate": (2e-3, 5e-4, 6e-3),
    "head": ("grid3", "mean", "resnet"),
    "weight_decay": (1e-2, 1e-1),
    "dropout": (0.0, 0.5),
    "translation": (SLIGHT_TRANSLATION, 0.125),
    "step_multiplier": (1.0, 0.5),
}
# What a setting may name beside these axes: the optimizer, how many stacks of the encoder stay as they are, and the
# size of a ResNet head where it is not the recipe's.
UNSEARCHED = {
    "optimizer": "adamw",
    "frozen_stacks": 0,
    "head_blocks": None,
    "head_width": None,
    "head_bottleneck": None,
    **STRENGTHS,
}
# What digests call axes: the names of the first version, so that what it kept is known again.
_IN_DIGESTS = {"translation": "shift", "step_multiplier": "passes", "pooling": "view"}
# Of a setting, what a model does not know of.
_OF_TRAINING = ("learning_rate", "weight_decay", "step_multiplier", "translation")
# Steps of a trial on one held-out part, as a share of those of a training, and of one on two halves of few labels.
SHORT_BUDGET = 0.5
SHORTER_BUDGET = 0.25
# Classes up to which steps do not depend on their number.
_FEW_CLASSES = 10
# Labels from which on steps are whole passes over them.
_MANY = 20_000
# Parameters of the networks that are kept, traced, for a setting that comes back; of each there are four copies.
_KEPT = 50_000_000


def digested(setting):
    """A setting or space as digests name its axes."""
    return {_IN_DIGESTS.get(axis, axis): value for axis, value in setting.items()}


class NetworkClassifier:
    """Trains a network on few labels: warm-up, cosine decay, label smoothing, AdamW unless told otherwise.

    Classes count alike, however many labels each has. The search goes along one
    axis of `space` after the other and keeps what classified held-out labels
    best, so every regime that is given the same space makes as many trials. Few
    labels are held out in two halves; a trial that is behind after the first is
    not trained for the second. Trials take a quarter of the steps; where there are many
    labels, one part is held out, and they take half.

    Args:
        build_model: Function from a setting to a `keras.Model` from inputs to class
            probabilities, with the weights that training starts from.
        space: Values to try by axis: `learning_rate` (peak), `head` (see
            `cpc_keras.models.ClassifierHead`), `weight_decay` (decoupled),
            `dropout`, `translation` (of images in training, as a share of the side) and
            `step_multiplier` (factor on the number of steps).
        start: Function `(model, inputs)` that gives a new model, before it is
            trained, weights that depend on the labels; `None` does nothing.
        steps: Function from the number of labels to optimizer steps; `usual_steps` if
            `None`.
        batch_size: Function from the number of labels to inputs a step.
        seed: Seed of the folds.
        classes: Number of classes, on which the usual steps depend.
        regime: The `cpc_keras.evaluation.regimes.Regime` of a network that learns from
            unlabelled images too, which the inputs then hold; else `None`.
    """

    def __init__(
        self,
        build_model,
        space=None,
        start=None,
        steps=None,
        batch_size=None,
        seed=0,
        classes=_FEW_CLASSES,
        regime=None,
    ):
        self.build_model = build_model
        self.space = SPACE if space is None else space
        self.start = start
        self.classes = classes
        self.steps = steps or functools.partial(usual_steps, classes=classes)
        self.batch_size = batch_size or usual_batch_size
        self.seed = seed
        self.regime = regime
        self._compiled = {}

    @property
    def trials(self):
        """Settings that a search tries."""
        return 1 + sum(len(values) - 1 for values in self.space.values())

    @property
    def schedule(self):
        """Steps, batch sizes and depth of the search: what a kept result also depends on."""
        labels = [25 * 2**power for power in range(13)]
        rule = holdout.NETWORKS
        depth = (rule.single_above, rule.most_train, rule.most_held_out, SHORT_BUDGET, SHORTER_BUDGET)
        return [depth, *((self.steps(count), self.batch_size(count)) for count in labels)]

    def search(self, inputs, progress=None):
        """Chooses a setting inside the labels.

        Args:
            inputs: One of the classes of `cpc_keras.evaluation.inputs`, with labels.
            progress: Function called after each trial.

        Returns:
            `(setting, trials)`: a dictionary, and the number of settings tried.
        """
        setting = {axis: values[0] for axis, values in self.space.items()}
        splits = holdout.NETWORKS.splits(inputs.labels, self.seed)
        if not splits:
            return setting, 1
        share = SHORT_BUDGET if len(splits) == 1 else SHORTER_BUDGET
        best = self._scores(inputs, setting, splits, share)
        for axis, values in self.space.items():
            for value in values[1:]:
                if progress:
                    progress()
                tried = {**setting, axis: value}
                scores = self._scores(inputs, tried, splits, share, best)
                if len(scores) == len(splits) and scores[-1] > best[-1]:
                    best, setting = scores, tried
        if progress:
            progress()
        return setting, self.trials

    def held_out_probabilities(self, inputs, setting, splits, share=1.0):
        """What a setting makes of labels that are held out in turn.

        Args:
            inputs: One of the classes of `cpc_keras.evaluation.inputs`, with labels.
            setting: A dictionary with a value for each axis, and perhaps for some of
                `UNSEARCHED`.
            splits: List of `(train, held_out)`, positions among the inputs.
            share: Share of the usual steps.

        Yields:
            `(held_out, probabilities [len(held_out), classes])` of each split.
        """
        for train, held_out in splits:
            self.fit(inputs.subset(train), setting, self.seed, share)
            yield held_out, self.predict_proba(inputs.subset(held_out))

    def _scores(self, inputs, setting, splits, share, best=()):
        """`(balanced accuracy, mean log-likelihood)` after one split, after two and so on.

        A setting that is behind the scores of the best so far is not trained for the next split.
        """
        scores: list[tuple[float, float]] = []
        parts = []
        for held_out, probabilities in self.held_out_probabilities(inputs, setting, splits, share):
            parts.append((inputs.labels[held_out], probabilities))
            scores.append(balanced_score(*(np.concatenate(part) for part in zip(*parts, strict=True))))
            if best and scores[-1] < best[len(scores) - 1]:
                break
        return scores

    def fit(self, inputs, setting, seed, share=1.0):
        """Trains from the weights that `build_model` gives.

        Args:
            inputs: One of the classes of `cpc_keras.evaluation.inputs`, with labels.
            setting: A dictionary with a value for each axis, and perhaps for some
                of `UNSEARCHED`.
            seed: Seed of weights, order, augmentation and dropout.
            share: Share of the usual steps.

        Returns:
            Itself; `model_` is the trained classifier, a `keras.Model` that is not compiled.
        """
        setting = {**UNSEARCHED, **setting}
        count = len(inputs.labels)
        batch_size = min(self.batch_size(count), count)
        steps = max(1, round(self.steps(count) * setting["step_multiplier"] * share))
        self._network = self._compiled_for(setting, is_long(steps))
        self.model_ = self._network.reset(seed)
        self._forget_the_oldest()
        if self.start:
            self.start(self.model_, inputs)
        batches = inputs.training_batches(batch_size, seed, steps, setting["translation"])
        if self.regime:
            others = min(batch_size * self.regime.unlabelled, len(inputs.unlabelled))
            arguments = (others, seed, steps, setting["translation"], self.regime.is_taught)
            batches = batches, inputs.unlabelled_batches(*arguments)
        self._network.train(batches, steps, setting["learning_rate"], setting["weight_decay"])
        return self

    def predict_proba(self, inputs):
        """Probabilities, `[N, classes]`."""
        return self._network.predict(inputs.batches())

    def _compiled_for(self, setting, long):
        key = json.dumps([long, {axis: value for axis, value in setting.items() if axis not in _OF_TRAINING}])
        network = self._compiled.pop(key, None)
        if network is None:
            build = functools.partial(self.build_model, setting)
            trainer = self.regime and functools.partial(self.regime.trainer, setting)
            averaged = self.regime is not None and self.regime.averaged
            network = ReusableNetwork(build, smoothed_crossentropy, setting["optimizer"], long, trainer, averaged)
        self._compiled[key] = network  # as the last one
        return network

    def _forget_the_oldest(self):
        kept = sum(network.model.count_params() for network in self._compiled.values())
        while kept > _KEPT and len(self._compiled) > 1:
            kept -= self._compiled.pop(next(iter(self._compiled))).model.count_params()


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


def usual_batch_size(labels):
    """Inputs a step for a number of labels."""
    return 16 if labels < 200 else 32 if labels < 2000 else 64 if labels < _MANY else 128


def usual_steps(labels, classes=_FEW_CLASSES):
    """Optimizer steps for a number of labels: more labels, more steps, and ever fewer passes; more of many classes.

    Args:
        labels: How many there are.
        classes: Of how many classes.

    Example:

    >>> [usual_steps(labels) for labels in (25, 50, 100, 600, 6000, 60000)]
    [245, 346, 490, 1200, 2585, 2343]
    >>> [usual_steps(130, classes) for classes in (2, 10, 26, 100)]
    [559, 559, 901, 1117]
    """
    if labels >= _MANY:
        return 5 * labels // usual_batch_size(labels)
    # Measured from new weights: 130 labels of 26 letters have 20 % with 207 steps, 26 % with 559 and 39 % with 828, 45
    # labels of nine kinds of pictograms 28 % with 61 and 30 % with 244; 50 and 100 of Fashion-MNIST, whose classes are
    # told easily, gain half a point from four times 69 and 153; 600 gain up to about 1,500.
    share, more = labels / 600, min(2.0, max(1.0, (classes / _FEW_CLASSES) ** 0.5))
    return round(1200 * share ** (1 / 2 if share < 1 else 1 / 3) * more)

"""A classifier's hyperparameters, chosen inside a few labels."""

import dataclasses
import functools

import numpy as np

from cpc_keras.data.image_set import as_image_set
from cpc_keras.errors import InputError
from cpc_keras.evaluation.classifier import SHORT_BUDGET, SHORTER_BUDGET, UNSEARCHED, NetworkClassifier
from cpc_keras.evaluation.held_out_scores import held_out_splits
from cpc_keras.evaluation.holdout import SEARCHES
from cpc_keras.evaluation.methods import NETWORKS
from cpc_keras.evaluation.networks import network_estimator, stacks_of
from cpc_keras.models import ClassifierHead
from cpc_keras.tuning.few_labels import FewLabelsHyperModel
from cpc_keras.tuning.spaces import choose_setting, coarse_space

# What is trained step by step.
REGIMES = ("linear", *NETWORKS)
# Labels above which a network, which takes minutes to train, has three folds, each in half the steps.
_MANY = 200
# How its labels are held out; where it is one part, trials train on at most so many.
_NETWORKS = dataclasses.replace(SEARCHES, folds_of_many=3, few=_MANY, most_train=1000)


class LabelFractionHyperModel(FewLabelsHyperModel):
    """Searches a classifier's hyperparameters inside the few labels that it may have.

    Any tuner of keras-tuner searches it. A trial is scored by cross-validation
    inside the labelled subset, the same five folds for each (twice over up to 100
    labels; one held-out third above 2,000). Up to 200 labels trials take a quarter of
    the steps. Networks have three folds above 200 labels, in half the steps; above 2,000
    they are trained on 1,000 and tested on 2,000 others. No other label is looked at.
    The objective `"score"` is balanced accuracy plus a tenth of the mean
    log-likelihood, for accuracy alone ties on few labels. The best of many trials is often
    the luckiest: `best` keeps the default unless it is behind by more than a standard
    error. A trial that is behind the default by as much after some folds is not trained
    for the others. Features of a frozen encoder are computed once.

    Args:
        model: A built `CPC` model, or any `keras.Model` from `[B, h, w, C]` in
            `[0, 1]` to maps or vectors; for all regimes but `"linear"` to maps, of
            images of any size.
        data: `(images, labels)`, arrays `[N, H, W, C]` (uint8, or float in
            `[0, 1]`) and integer `[N]`; a labelled `ImageSet`; or a `LabelledImages`,
            whose test images are not looked at.
        regime: `"linear"` (a linear map on frozen features), `"resnet"` (a ResNet
            head on frozen maps), `"finetune"` (from the encoder's weights),
            `"supervised"` (the same network from new ones), or one of
            `cpc_keras.evaluation.methods.JOINT`, which also learns from the images of `data` that
            are not in the subset, without their labels.
        labels_per_class: Labels a class to search in.
        fraction: Instead, their share of all labels.
        subset: Instead, positions of the labelled images.
        head_size: Blocks, channels and channels inside a block of a ResNet head, by
            default.
        crop: Side of the centre crop in pixels; the shorter side of the smallest
            image if `None`.
        folder: Where finished trials are kept; a temporary folder if `None`. A
            trial that is asked for again is read, not run.
        features: Where features of a frozen encoder are kept; in `folder` if `None`.
        seed: Draws the subset, the folds and every trial's randomness.
        epochs: What Hyperband is to be given as `max_epochs`: trainings are cut
            into so many parts.
        progress: A `NoProgress` or the like, told of features and trials.
        flip: Whether networks also learn from mirrored images.

    Attributes:
        objective: The `keras_tuner.Objective` to give to a tuner.
        labels: Number of labels in the subset.

    Raises:
        InputError: If the regime is unknown, the labels do not suffice, or two of
            their numbers are given.

    Reference:
        Li et al. 2018, arXiv 1603.06560 (Hyperband).

    Example:

    >>> import keras, keras_tuner, tempfile, numpy as np
    >>> images = np.random.default_rng(0).uniform(size=(40, 8, 8, 1)).astype("float32")
    >>> labels = np.arange(40) % 2
    >>> images[labels == 1] *= 0.2
    >>> encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3)])
    >>> hypermodel = LabelFractionHyperModel(encoder, (images, labels), labels_per_class=5)
    >>> tuner = keras_tuner.RandomSearch(
    ...     hypermodel, objective=hypermodel.objective, max_trials=2, seed=1, directory=tempfile.mkdtemp()
    ... )
    >>> tuner.search(verbose=0)
    >>> classifier = hypermodel.refit(hypermodel.best(tuner))
    >>> classifier.predict_proba(hypermodel.inputs(images)).shape
    (40, 2)
    """

    def __init__(
        self,
        model,
        data,
        regime="linear",
        labels_per_class=None,
        fraction=None,
        subset=None,
        head_size=(2, 256, 64),
        crop=None,
        folder=None,
        features=None,
        seed=0,
        epochs=27,
        progress=None,
        flip=True,
    ):
        if regime not in REGIMES:
            raise InputError(f"`regime` must be one of {', '.join(REGIMES)}. Received: regime={regime!r}")
        name, numbers = f"label_fraction_{regime}", (labels_per_class, fraction, subset)
        super().__init__(name, model, data, *numbers, crop, folder, features, seed, epochs, progress)
        self.regime = regime
        if regime != "linear" and self._encoder.backbone is None:
            raise InputError(
                f"`model` must be an encoder from images of any size to maps for regime={regime!r}. Received: "
                f"{self._encoder.name}"
            )
        self.head_size = head_size
        self.flip = flip
        self._estimator = self._estimator_of(self.data)
        self._estimator.inputs.prepare([self._split], self.progress, test=False)
        self._inputs = self._estimator.inputs.train(self._split)
        self._trained = self._classifier()  # one for all trials: Hyperband comes back to settings
        self._splits = held_out_splits(self.truth, seed, SEARCHES if regime == "linear" else _NETWORKS)

    @property
    def _share(self):
        """Share of the steps that trials take, as those of `NetworkClassifier.search` do."""
        if self.labels <= _MANY:
            return SHORTER_BUDGET
        return 1.0 if self.regime == "linear" else SHORT_BUDGET

    @property
    def _schedule(self):
        return (self._share,)

    def setting(self, hp):
        """What a classifier is trained with, as a dictionary, see `NetworkClassifier.fit`."""
        poolings = tuple(getattr(self._estimator.inputs, "spans", ()))
        stacks = stacks_of(self._encoder.backbone) if self._encoder.backbone else 0
        # A part of the steps does not tell what more than the usual number would do.
        longest = 2.0 if self._share == 1.0 else 1.0
        return choose_setting(hp, self.regime, poolings, stacks, self.head_size, longest)

    def coarse_space(self):
        """A few values of what matters most, for a search that tries them all."""
        return coarse_space()

    def build(self, hp):
        """An untrained classifier, as keras-tuner wants it."""
        return self._estimator.classifier.build_model({**UNSEARCHED, **self.setting(hp)})

    def held_out_predictions(self, setting, share):
        """Every fold starts from the weights that `build` gives: another's have seen what this one holds out."""
        share *= self._share
        predictions = self._trained.held_out_probabilities(self._inputs, setting, self._splits, share)
        return predictions, lambda: self._trained.model_.get_weights()

    def refit(self, hp):
        """Trains on the whole labelled subset.

        Args:
            hp: A `keras_tuner.HyperParameters`, such as the best.

        Returns:
            A `NetworkClassifier`; its `predict_proba` takes what `inputs` gives.
        """
        return self._classifier().fit(self._inputs, self.setting(hp), self.seed)

    def _classifier(self):
        like = self._estimator.classifier
        return NetworkClassifier(
            like.build_model, start=like.start, seed=self.seed, classes=like.classes, regime=like.regime
        )

    def inputs(self, images):
        """Images as a classifier of this regime takes them.

        Args:
            images: An `ImageSet`, or an array `[N, H, W, C]`.
        """
        images = as_image_set(images)
        data = dataclasses.replace(self.data, test=images)
        split = dataclasses.replace(self._split, test=np.arange(len(images)))
        inputs = self._estimator_of(data).inputs
        inputs.prepare([split], self.progress)
        return inputs.test(split)

    def _estimator_of(self, data):
        blocks, width, bottleneck = self.head_size
        build_head = functools.partial(ClassifierHead, blocks=blocks, width=width, bottleneck=bottleneck)
        return network_estimator(
            self._encoder, self.regime, data, self._features, self.crop, build_head, flip=self.flip
        )

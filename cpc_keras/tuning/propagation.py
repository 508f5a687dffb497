"""How labels are propagated to images without, chosen inside a few labels."""

import functools

import keras
import numpy as np

from cpc_keras.data.image_set import as_image_set
from cpc_keras.evaluation.estimators import ProbeEstimator
from cpc_keras.evaluation.feature_store import FrozenFeatures
from cpc_keras.evaluation.features import SECOND_MOMENT, extract, with_joined
from cpc_keras.evaluation.held_out_scores import held_out_splits
from cpc_keras.evaluation.propagated import PropagatedProbe, fixed_arguments
from cpc_keras.tuning.few_labels import FewLabelsHyperModel
from cpc_keras.tuning.spaces import choose_propagation, coarse_propagation


class PropagationHyperModel(FewLabelsHyperModel):
    """Searches how a few labels are propagated to images without, see `cpc_keras.evaluation.propagated`.

    Pooling, graph, propagation and the strengths of both classifiers are searched. Trials are scored as those
    of `cpc_keras.tuning.LabelFractionHyperModel`: held-out labels are hidden from the first
    probe, from the graph and from the layer that learns from it. The graph of a trial is
    built once for all folds, so none of them is spared.

    Args:
        model: As of `LabelFractionHyperModel`.
        data: The same; the images whose labels are not in the subset are those without.
        labels_per_class: Labels a class to search in.
        fraction: Instead, their share of all labels.
        subset: Instead, positions of the labelled images.
        class_shares: How frequent classes are taken to be among the images without labels:
            `"free"`, `"equal"` or `"labels"`.
        crop: Side of the centre crop in pixels; the shorter side of the smallest image if
            `None`.
        folder: Where finished trials are kept; a temporary folder if `None`.
        features: Where features are kept; in `folder` if `None`.
        seed: Draws the subset, the folds and every trial's randomness.
        epochs: What Hyperband is to be given as `max_epochs`; a trial takes as long with one
            as with all of them.
        progress: A `NoProgress` or the like, told of features and trials.

    Attributes:
        objective: The `keras_tuner.Objective` to give to a tuner.
        labels: Number of labels in the subset.

    Raises:
        InputError: If the labels do not suffice, or two of their numbers are given.

    Example:

    >>> import keras, keras_tuner, tempfile, numpy as np
    >>> images = np.random.default_rng(0).uniform(size=(60, 8, 8, 1)).astype("float32")
    >>> labels = np.arange(60) % 2
    >>> images[labels == 1] *= 0.2
    >>> encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3)])
    >>> hypermodel = PropagationHyperModel(encoder, (images, labels), labels_per_class=5)
    >>> tuner = keras_tuner.RandomSearch(
    ...     hypermodel, objective=hypermodel.objective, max_trials=2, seed=1, directory=tempfile.mkdtemp()
    ... )
    >>> tuner.search(verbose=0)
    >>> probe = hypermodel.refit(hypermodel.best(tuner))
    >>> probe.predict_proba(hypermodel.inputs(images)).shape
    (60, 2)
    """

    def __init__(
        self,
        model,
        data,
        labels_per_class=None,
        fraction=None,
        subset=None,
        class_shares="free",
        crop=None,
        folder=None,
        features=None,
        seed=0,
        epochs=1,
        progress=None,
    ):
        numbers = labels_per_class, fraction, subset
        super().__init__("propagation", model, data, *numbers, crop, folder, features, seed, epochs, progress)
        self.class_shares = class_shares
        frozen = FrozenFeatures(self._features, self._encoder.features, self._encoder.digest, self.data, self.crop)
        self._estimator = ProbeEstimator("propagated", self._encoder, frozen, self.data, class_shares=class_shares)
        self._estimator.prepare([self._split], self.progress)
        self._splits = held_out_splits(self.truth, seed)

    @functools.cached_property
    def _given(self):
        return self._estimator.given(self._split)

    @property
    def _poolings(self):
        return tuple(name for name in self._given[0] if not name.endswith(SECOND_MOMENT))

    def setting(self, hp):
        """How labels are propagated, as a dictionary, see `cpc_keras.evaluation.propagated.fixed_arguments`."""
        return choose_propagation(hp, self._poolings)

    def coarse_space(self):
        """A few values of what matters most, for a search that tries them all."""
        return coarse_propagation()

    def build(self, hp):
        """The layer that a propagation ends in, not trained, as keras-tuner wants it."""
        width = self._given[0][self.setting(hp)["pooling"]].shape[1]
        return keras.Sequential([keras.Input((width,)), keras.layers.Dense(self.data.classes, "softmax")])

    def held_out_predictions(self, setting, share):
        """All at once: what takes time is the graph, which folds share."""
        probe = self._fitted_probe(setting)
        positions, found = probe.held_out_
        probabilities = np.zeros((len(positions), self.data.classes))
        probabilities[:, probe.classes_] = found
        return [(positions, probabilities)], lambda: list(probe.affine(self.data.classes))

    def _fitted_probe(self, setting):
        few, *others = self._given
        fixed = fixed_arguments(setting)
        probe = PropagatedProbe(folds=self._splits, seed=self.seed, shares=self.class_shares, **fixed)
        return probe.fit(few, self.truth, *others)

    def refit(self, hp):
        """Learns from the whole labelled subset.

        Args:
            hp: A `keras_tuner.HyperParameters`, such as the best.

        Returns:
            A `PropagatedProbe`; its `predict_proba` takes what `inputs` gives.
        """
        return self._fitted_probe(self.setting(hp))

    def inputs(self, images):
        """Features of images, as the probe takes them.

        Args:
            images: An `ImageSet`, or an array `[N, H, W, C]`.
        """
        return with_joined(extract(self._encoder.features, as_image_set(images), self.crop))

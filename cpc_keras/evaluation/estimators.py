"""A method on an encoder, as scikit-learn has it: `fit(split)`, then `predict_proba(split)`."""

import dataclasses

import numpy as np

from cpc_keras.evaluation import holdout
from cpc_keras.evaluation.calibration import Calibration, calibrate
from cpc_keras.evaluation.classifier import NetworkClassifier, digested
from cpc_keras.evaluation.features import SECOND_MOMENT, stored_names, with_joined
from cpc_keras.evaluation.methods import METHODS
from cpc_keras.evaluation.propagated import fixed_arguments
from cpc_keras.graph.neighbors import are_copies
from cpc_keras.storage import digests

# Of what learns from images without labels: results of another version are computed anew.
VERSION = 2


class ProbeEstimator:
    """A probe on frozen features.

    Args:
        method: Name of a probe of `METHODS`.
        encoder: The `Encoder`.
        features: Its `FrozenFeatures`.
        data: A `LabelledImages`.
        pooling: The one that the probe is put on; what the method says if `None`.
        class_shares: Of a method that learns from images without labels, how frequent
            classes are taken to be among these, see
            `cpc_keras.evaluation.propagated.PropagatedProbe`; if `None` as among the
            labels where these were drawn at random, else whatever comes out.
        tuned: A `TunedSetting` that `cpc-keras tune` wrote, in place of what the probe
            chooses; records call the method after its kind then, as in
            `propagated_tuned`.

    Attributes:
        name: What records call it.
        encoder_name: What records call the encoder.
        checkpoint: Step of the encoder, or `None`.
        digest: Names all that its predictions depend on, but for the split and seed.
        searches: Whether it has a search that the runner keeps: a probe's is cheap.
        parts: How many times a fit reports progress.
        trials: Settings that `cpc-keras tune` tried to find this one; `None` where it is
            chosen in each fit.
        selected_: What was chosen, as a dictionary, once it was fitted.
        trials_: Number of settings that were tried.
        calibration_: The `Calibration` of its probabilities, by labels that were held out
            inside the split's.
    """

    searches = False
    parts = 1

    def __init__(self, method, encoder, features, data, pooling=None, class_shares=None, tuned=None):
        self.name = method if tuned is None else f"{method}_{tuned.kind}"
        self.tuned = tuned
        self.trials = tuned.trials if tuned else None
        self.method = METHODS[method]
        self.encoder_name = encoder.name
        self.checkpoint = encoder.checkpoint
        self.features = features
        self.data = data
        self.pooling = pooling
        self.class_shares = class_shares
        learnt = [data.pool_images.fingerprint, class_shares, VERSION] if self.method.needs_pool else []
        given = [*([pooling] if pooling else []), *learnt, *([tuned.setting] if tuned else [])]
        self.digest = digests.of_json(method, features.digest, features.crop, *given)

    def prepare(self, splits, progress):
        """Computes what splits ask for."""
        self.features.prepare(splits, progress, unlabelled=self.method.needs_unlabelled, pool=self.method.needs_pool)

    def fit(self, split, seed, found=None):
        """Chooses and fits inside a split's training labels.

        Args:
            split: A `Split`.
            seed: Whole number.
            found: Not used.

        Returns:
            Itself.
        """
        self.probe_ = self.method.new_probe(seed)
        if self.pooling:
            self.probe_.set_params(poolings=(self.pooling,))
        if self.tuned:
            self.probe_.set_params(**fixed_arguments(self.tuned.setting))
        if self.method.needs_pool:
            self.probe_.set_params(shares=self.class_shares or split.class_shares)
        labels = self.data.train_labels[split.train]
        # A probe that is for some poolings is not handed the others.
        train, *others = self.given(split, self.probe_.poolings)
        self.probe_.fit(train, labels, *others)
        self.selected_ = self.probe_.selected_
        self.trials_ = self.trials or self.probe_.trials_
        self.calibration_ = self._calibrated(labels)
        return self

    def given(self, split, poolings=None):
        """The features that a probe is fitted on, as its `fit` takes them beside the labels.

        Args:
            split: A `Split` that was prepared.
            poolings: Those that it is for; all if `None`.

        Returns:
            A list of dictionaries from pooling to array `[N, D]`: of the labelled images; where
            it learns from images without labels, of these; and of those that the scale is
            taken from.
        """
        names = poolings and stored_names(poolings)
        found = [with_joined(self.features.train.of(split.train, names))]
        found += [self._pool(split, names)] if self.method.needs_pool else []
        return [*found, with_joined(self.features.train.of(split.unlabelled, names))]

    def _pool(self, split, names):
        """Features of the images to learn from without labels, copies of labelled ones (tested or not) left out."""
        found = with_joined(self.features.pool.of(split.pool, names))
        if self.data.pool is None:
            return found
        known = with_joined(self.features.train.of(np.unique(np.concatenate([split.train, split.test])), names))
        pooling = next(name for name in found if not name.endswith(SECOND_MOMENT))
        others = ~are_copies(found[pooling], known[pooling])
        return {name: values[others] for name, values in found.items()}

    def _calibrated(self, labels):
        classes, (held_out, probabilities) = self.probe_.classes_, self.probe_.held_out_
        truth = np.searchsorted(classes, labels[held_out])
        found = calibrate(truth, probabilities, len(np.unique(held_out)), self.probe_.floor)
        threshold = found.threshold if self.data.classes == 2 else None  # a label list may know but two of many
        return dataclasses.replace(found, threshold=threshold, columns=classes)

    def predict_proba(self, split):
        """Probabilities of a split's test images, `[m, classes]`, a column for every class, not calibrated."""
        features = self.features.test.of(split.test, stored_names([self.selected_["pooling"]]))
        found = self.probe_.predict_proba(with_joined(features))
        probabilities = np.zeros((len(split.test), self.data.classes), "float32")
        probabilities[:, self.probe_.classes_] = found
        return probabilities


class NetworkEstimator:
    """A network that is trained: on frozen features or maps, from pre-trained weights, or from new ones.

    Args:
        name: What records call it.
        encoder_name: What records call the encoder.
        checkpoint: Step of the encoder, or `None`.
        build_model: Function from a setting to a `keras.Model` from inputs to class
            probabilities, with the weights that training starts from.
        space: Values to try by axis: `learning_rate` (peak), `head` (see
            `cpc_keras.models.ClassifierHead`), `weight_decay` (decoupled), `dropout`,
            `translation` (of images in training, as a share of the side) and
            `step_multiplier` (factor on the number of steps).
        digest: Names the weights and the settings that training starts from.
        inputs: Of the classes of `cpc_keras.evaluation.inputs`, that of all images.
        classes: Number of classes.
        start: Function `(model, inputs)` that gives a new model, before it is trained,
            weights that depend on the labels; `None` does nothing.
        setting: What `cpc-keras tune` found, as a dictionary; `None` searches
            `space` inside the labels of each split.
        trials: Settings that were tried to find it.
        regime: As of `cpc_keras.evaluation.classifier.NetworkClassifier`.
        steps: Function from a number of labels to steps; as usual if `None`.
        like: The `NetworkEstimator` whose search finds the setting; its own if `None`.

    Attributes:
        digest: As of `ProbeEstimator`, and so are `parts`, `searches`, `selected_`,
            `trials_` and `calibration_`, which leaves probabilities as they are.
        searcher: The estimator whose search finds the setting.
    """

    calibration_ = Calibration()

    def __init__(
        self,
        name,
        encoder_name,
        checkpoint,
        build_model,
        space,
        digest,
        inputs,
        classes,
        start=None,
        setting=None,
        trials=None,
        regime=None,
        steps=None,
        like=None,
    ):
        self.name = name
        self.encoder_name = encoder_name
        self.checkpoint = checkpoint
        self.inputs = inputs
        self.classes = classes
        self.setting = setting
        self.trials = trials
        self.searcher = like or self
        self.classifier = NetworkClassifier(build_model, space, start, steps, classes=classes, regime=regime)
        tuned = [] if setting is None else [digested(setting), trials]
        self.digest = digests.of_json(name, digest, digested(space), self.classifier.schedule, *tuned)
        self.searches = setting is None
        self.parts = self.classifier.trials + 1 if self.searches else 1

    def prepare(self, splits, progress):
        """Computes what splits ask for."""
        self.inputs.prepare(splits, progress)

    def searched(self, split):
        """Positions in `LabelledImages.train` of the labels that a search looks at.

        Of many labels they are those that were drawn first, which every larger subset
        of the same seed has too: one search serves them all.
        """
        return split.train[self._first(split)]

    def _first(self, split):
        return split.first_drawn(self.classes, holdout.NETWORKS.used_at_most(self.classes))

    def search(self, split, seed, progress):
        """Chooses a setting inside the labels that `searched` names.

        Returns:
            `(setting, trials)`.
        """
        self.classifier.seed = seed
        return self.classifier.search(self.inputs.train(split).subset(self._first(split)), progress)

    def fit(self, split, seed, found=None):
        """Trains on a split's training labels.

        Args:
            split: A `Split`.
            seed: Whole number.
            found: As `search` gives it; not needed where there is a setting.

        Returns:
            Itself.
        """
        setting, self.trials_ = found or (self.setting, self.trials)
        inputs = self.inputs.train(split)
        self.classifier.fit(inputs, setting, seed)
        is_told = self.classifier.regime and self.classifier.start
        self.selected_ = {**setting, "shares": inputs.class_shares} if is_told else setting
        return self

    def predict_proba(self, split):
        """Probabilities of a split's test images, `[m, classes]`, a column for every class."""
        return self.classifier.predict_proba(self.inputs.test(split))

"""A method on an encoder, as scikit-learn has it: `fit(split)`, then `predict_proba(split)`."""

import numpy as np

from cpc_keras.evaluation import holdout
from cpc_keras.evaluation.classifier import NetworkClassifier, digested
from cpc_keras.evaluation.features import stored_names, with_joined
from cpc_keras.evaluation.methods import METHODS
from cpc_keras.storage import digests


class ProbeEstimator:
    """A probe on frozen features.

    Args:
        method: Name of a probe of `METHODS`.
        encoder: The `Encoder`.
        features: Its `FrozenFeatures`.
        data: A `LabelledImages`.
        pooling: The one that the probe is put on; what the method says if `None`.

    Attributes:
        name: What records call it.
        encoder_name: What records call the encoder.
        checkpoint: Step of the encoder, or `None`.
        digest: Names all that its predictions depend on, but for the split and seed.
        searches: Whether it has a search that the runner keeps: a probe's is cheap.
        parts: How many times a fit reports progress.
        selected_: What was chosen, as a dictionary, once it was fitted.
        trials_: Number of settings that were tried.
    """

    searches = False
    parts = 1

    def __init__(self, method, encoder, features, data, pooling=None):
        self.name = method
        self.encoder_name = encoder.name
        self.checkpoint = encoder.checkpoint
        self.features = features
        self.data = data
        self.pooling = pooling
        self.digest = digests.of_json(method, features.digest, features.crop, *([pooling] if pooling else []))

    def prepare(self, splits, progress):
        """Computes what splits ask for."""
        self.features.prepare(splits, progress, unlabelled=METHODS[self.name].needs_unlabelled)

    def fit(self, split, seed, found=None):
        """Chooses and fits inside a split's training labels.

        Args:
            split: A `Split`.
            seed: Whole number.
            found: Not used.

        Returns:
            Itself.
        """
        self.probe_ = METHODS[self.name].new_probe(seed)
        if self.pooling:
            self.probe_.set_params(poolings=(self.pooling,))
        # A probe that is for some poolings is not handed the others.
        names = self.probe_.poolings and stored_names(self.probe_.poolings)
        train = with_joined(self.features.train.of(split.train, names))
        unlabelled = None
        if METHODS[self.name].needs_unlabelled:
            unlabelled = with_joined(self.features.train.of(split.unlabelled, names))
        self.probe_.fit(train, self.data.train_labels[split.train], unlabelled)
        self.selected_, self.trials_ = self.probe_.selected_, self.probe_.trials_
        return self

    def predict_proba(self, split):
        """Probabilities of a split's test images, `[m, classes]`, a column for every class."""
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

    Attributes:
        digest: As of `ProbeEstimator`, and so are `parts`, `searches`, `selected_` and
            `trials_`.
    """

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
    ):
        self.name = name
        self.encoder_name = encoder_name
        self.checkpoint = checkpoint
        self.inputs = inputs
        self.classes = classes
        self.setting = setting
        self.trials = trials
        self.classifier = NetworkClassifier(build_model, space, start)
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
        self.selected_, self.trials_ = found or (self.setting, self.trials)
        self.classifier.fit(self.inputs.train(split), self.selected_, seed)
        return self

    def predict_proba(self, split):
        """Probabilities of a split's test images, `[m, classes]`, a column for every class."""
        return self.classifier.predict_proba(self.inputs.test(split))

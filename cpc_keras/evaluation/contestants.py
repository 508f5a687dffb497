"""What competes for the labels: a method on an encoder, with one way to be asked."""

import dataclasses

import numpy as np

from cpc_keras.evaluation.feature_store import FeatureStore
from cpc_keras.evaluation.features import SQUARE, with_joined
from cpc_keras.evaluation.networks import NetworkClassifier
from cpc_keras.evaluation.probes import KNNProbe, LinearProbe
from cpc_keras.storage import digests

PROBES = {
    "knn": lambda seed: KNNProbe(seed=seed),
    "linear": lambda seed: LinearProbe(seed=seed),
    "linear_v1": lambda seed: LinearProbe(seed=seed, views=("mean",)),
    "linear_v2": lambda seed: LinearProbe(seed=seed, views=("locations",)),
}
NETWORKS = ("resnet", "finetune", "supervised")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a contestant says of the images it is examined on.

    Attributes:
        probabilities: Float array `[m, classes]`, a column for every class.
        selected: What was chosen, as a dictionary.
        trials: Number of settings tried.
    """

    probabilities: np.ndarray
    selected: dict
    trials: int


class FrozenFeatures:
    """Features of one frozen encoder for training and examined images.

    Args:
        folder: Where they are kept.
        views: Function from images to a dictionary of arrays `[B, …]`.
        digest: Names the encoder's state.
        data: A `LabelledImages`.
        crop: Side of the centre crop in pixels.
    """

    def __init__(self, folder, views, digest, data, crop):
        self.digest = digest
        self.crop = crop
        self.train = FeatureStore(_store_folder(folder, digest, data.train, crop), views, data.train, crop)
        self.examined = (
            self.train
            if data.test is None
            else FeatureStore(_store_folder(folder, digest, data.test, crop), views, data.test, crop)
        )

    def prepare(self, rounds, progress, train=True, unlabelled=True, examined=True):
        """Computes what these rounds ask for.

        Args:
            rounds: List of `Round`.
            progress: Object with `start(name, total)` and `advance(count)`.
            train: Whether features of the labelled images are asked for.
            unlabelled: Whether those of the unlabelled images are.
            examined: Whether those of the examined images are.
        """
        asked: dict[FeatureStore, list[np.ndarray]] = {self.train: [], self.examined: []}
        for one in rounds:
            asked[self.train] += [one.train] * train + [one.unlabelled] * unlabelled
            asked[self.examined] += [one.test] * examined
        needed = {store: np.unique(np.concatenate(lists)) for store, lists in asked.items() if lists}
        progress.start("features", sum(len(store.missing(positions)) for store, positions in needed.items()))
        for store, positions in needed.items():
            store.prepare(positions, progress.advance)


def _store_folder(folder, digest, images, crop):
    return folder / f"{digests.of_json(digest, crop)[:16]}-{images.fingerprint[:16]}"


class ProbeContestant:
    """A probe on frozen features.

    Args:
        method: One of `PROBES`.
        encoder: Name of the encoder in the records.
        checkpoint: Step of the encoder, or `None`.
        features: A `FrozenFeatures`.
        view: The one view that it is put on; what the method says if `None`.

    Attributes:
        digest: Names all that its answers depend on, but for the round and seed.
        parts: How many times it reports progress in an answer.
        inherits: Whether the choice of a part of many labels serves them all.
    """

    inherits = False

    def __init__(self, method, encoder, checkpoint, features, view=None):
        self.method = method
        self.encoder = encoder
        self.checkpoint = checkpoint
        self.features = features
        self.view = view
        self.digest = digests.of_json(method, features.digest, features.crop, *([view] if view else []))
        self.parts = 1

    def begin(self, rounds, progress):
        """Makes ready for these rounds."""
        self.features.prepare(rounds, progress)

    def answer(self, data, one, seed, chosen=None):
        """Learns from a round's labels and classifies what it is examined on.

        Args:
            data: The `LabelledImages`.
            one: A `Round`.
            seed: Whole number.
            chosen: Not used; a probe's choice is cheap.

        Returns:
            An `Answer`.
        """
        probe, names = self.fitted(data, one, seed)
        found = probe.predict_proba(with_joined(self.features.examined.of(one.test, names)))
        probabilities = np.zeros((len(one.test), data.classes), "float32")
        probabilities[:, probe.classes_] = found
        return Answer(probabilities, probe.selected_, probe.trials_)

    def fitted(self, data, one, seed):
        """`(probe, names)`: the probe of a round, and the stored views that it asks for (`None` for all)."""
        probe = PROBES[self.method](seed)
        # A probe that is for one view is not handed the others.
        names = probe.views and {*probe.views, *(f"{view}{SQUARE}" for view in probe.views)}
        if self.view:  # which may be two of them joined
            probe.set_params(views=(self.view,))
        train = with_joined(self.features.train.of(one.train, names))
        unlabelled = with_joined(self.features.train.of(one.unlabelled, names))
        return probe.fit(train, data.train_labels[one.train], unlabelled), names


class NetworkContestant:
    """A network that is trained: on frozen features or maps, from pre-trained weights, or from scratch.

    Args:
        method: What records call it.
        encoder: Name of the encoder in the records.
        checkpoint: Step of the encoder, or `None`.
        build_model: As for `NetworkClassifier`.
        space: Likewise.
        digest: Names the weights and the settings that training starts from.
        feed: Where inputs come from, an `ImageFeed`, `MapFeed` or `VectorFeed`.
        start: As for `NetworkClassifier`.
        setting: What `cpc-keras tune` found, as a dictionary; `None` searches
            `space` inside the labels of each round.
        trials: Settings that were tried to find it.
    """

    def __init__(
        self, method, encoder, checkpoint, build_model, space, digest, feed, start=None, setting=None, trials=None
    ):
        self.method = method
        self.encoder = encoder
        self.checkpoint = checkpoint
        self.feed = feed
        self.setting = setting
        self.trials = trials
        self.classifier = NetworkClassifier(build_model, space, start)
        found = [] if setting is None else [setting, trials]
        self.digest = digests.of_json(method, digest, space, self.classifier.schedule, *found)
        self.parts = 1 if setting else self.classifier.trials + 1
        self.inherits = setting is None
        self._advance = None

    def begin(self, rounds, progress):
        """Makes ready for these rounds."""
        self._advance = progress.advance
        self.feed.prepare(rounds, progress)
        self.feed.prepare_examined(rounds, progress)

    def answer(self, data, one, seed, chosen=None):
        """As that of `ProbeContestant`.

        Args:
            data: The `LabelledImages`.
            one: A `Round`.
            seed: Whole number.
            chosen: `(setting, trials)` that a part of these very labels chose.

        Returns:
            An `Answer`.
        """
        self.classifier.seed = seed
        train, test = self.feed.learnt(data, one), self.feed.examined(data, one)
        if self.setting is not None:
            setting, trials = self.setting, self.trials
        else:
            setting, trials = chosen or self.classifier.search(train, self._advance)
        probabilities = self.classifier.fit(train, setting, seed).predict_proba(test)
        return Answer(probabilities, setting, trials)

"""Where the inputs of a network come from: images, or what a frozen encoder made of them."""

import numpy as np

from cpc_keras.evaluation.features import SQUARE, VIEWS, with_joined
from cpc_keras.evaluation.network_inputs import ImageInputs, MapInputs, VectorInputs
from cpc_keras.evaluation.probes import moments


class ImageFeed:
    """Images as they are.

    Args:
        crop: Side of the crop in pixels.
    """

    def __init__(self, crop):
        self.crop = crop

    def prepare(self, rounds, progress):
        """Computes what these rounds learn from."""

    def prepare_examined(self, rounds, progress):
        """Computes what they are examined on."""

    def learnt(self, data, one):
        """Inputs with labels of a `Round` of a `LabelledImages`."""
        return ImageInputs(data.train.subset(one.train), self.crop)

    def examined(self, data, one):
        """Inputs that it is examined on."""
        return ImageInputs(data.examined.subset(one.test), self.crop)


class MapFeed:
    """Maps of a frozen encoder; few labels also learn from maps of mirrored and shifted images.

    Args:
        few: `FrozenFeatures` of `MapCopies` for up to `most` labels.
        many: Those for more labels, and for examination.
        most: The number.
    """

    def __init__(self, few, many, most):
        self.few, self.many, self.most = few, many, most

    def prepare(self, rounds, progress):
        """As that of `ImageFeed`."""
        for features in (self.few, self.many):
            mine = [one for one in rounds if self._of(one) is features]
            features.prepare(mine, progress, unlabelled=False, examined=False)

    def prepare_examined(self, rounds, progress):
        """Likewise."""
        self.many.prepare(rounds, progress, train=False, unlabelled=False)

    def learnt(self, data, one):
        """Likewise."""
        return MapInputs(self._of(one).train, one.train, data.train_labels[one.train])

    def examined(self, data, one):
        """Likewise."""
        return MapInputs(self.many.examined, one.test)

    def _of(self, one):
        return self.few if len(one.train) <= self.most else self.many


class VectorFeed:
    """All views of a frozen encoder side by side, each feature standardised by images without labels.

    Args:
        features: A `FrozenFeatures`.

    Attributes:
        spans: Dictionary from view to its first column and the one after its last,
            once rounds were prepared.
    """

    def __init__(self, features):
        self.features = features
        self.spans = {}

    def prepare(self, rounds, progress):
        """As that of `ImageFeed`."""
        self.features.prepare(rounds, progress, examined=False)
        self.spans = _spans(self.features.train.of(rounds[0].train[:1]))

    def prepare_examined(self, rounds, progress):
        """Likewise."""
        self.features.prepare(rounds, progress, train=False, unlabelled=False)

    @property
    def width(self):
        """Number of columns."""
        return max(end for _, end in self.spans.values())

    def learnt(self, data, one):
        """As that of `ImageFeed`."""
        return VectorInputs(self._standardised(self.features.train, one.train, one), data.train_labels[one.train])

    def examined(self, data, one):
        """Likewise."""
        return VectorInputs(self._standardised(self.features.examined, one.test, one))

    def _standardised(self, store, positions, one):
        mean, deviation = moments({"all": _side_by_side(self.features.train.of(one.unlabelled))}, "all")
        return (_side_by_side(store.of(positions)) - mean) / deviation


def _plain(views):
    """Names of the views that are columns of their own; `locations` is the mean once more."""
    known = [name for name in VIEWS if name in views and name != "locations"]
    return known or [name for name in views if not name.endswith(SQUARE)]


def _side_by_side(views):
    return np.concatenate([views[name] for name in _plain(views)], axis=1).astype("float32")


def _spans(views):
    spans, column = {}, 0
    for name in _plain(views):
        spans[name] = (column, column + views[name].shape[1])
        column = spans[name][1]
    if "grid3_map3" in with_joined(views):  # which stand beside each other
        spans["grid3_map3"] = (spans["grid3"][0], spans["map3"][1])
    return spans

"""What searches inside a labelled subset share, whatever classifier they search."""

import dataclasses
import functools
import pathlib
import shutil
import tempfile
import weakref

import numpy as np

from cpc_keras.data.image_set import as_image_set
from cpc_keras.data.label_subsets import nested_subsets
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.errors import InputError
from cpc_keras.evaluation.encoders import encoder_of
from cpc_keras.evaluation.held_out_scores import splits_digest
from cpc_keras.storage import digests
from cpc_keras.tuning.racing import RacingHyperModel


class FewLabelsHyperModel(RacingHyperModel):
    """Settings of a classifier that race inside the few labels which it may have.

    Subclasses set `_estimator` and `_splits`, how labels are held out, when they are made.

    Args:
        name: Name of the hypermodel.
        model: As of `LabelFractionHyperModel`, and so are the others.
        data: The same.
        labels_per_class: The same.
        fraction: The same.
        subset: The same.
        crop: The same.
        folder: The same.
        features: The same.
        seed: The same.
        epochs: The same.
        progress: The same.
    """

    def __init__(
        self, name, model, data, labels_per_class, fraction, subset, crop, folder, features, seed, epochs, progress
    ):
        if folder is None:
            folder = tempfile.mkdtemp()
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        super().__init__(name, folder, epochs, progress)
        self.seed = seed
        if not isinstance(data, LabelledImages):
            data = LabelledImages(as_image_set(data), None, seed)
        self.data = dataclasses.replace(data, test=None)
        self.crop = crop or int(self.data.train.sizes[:, :2].min())
        self._encoder = encoder_of(model)
        self._features = pathlib.Path(features or pathlib.Path(folder) / "features")
        self._split = _drawn_split(self.data, labels_per_class, fraction, subset, seed)

    @property
    def labels(self):
        """Number of labels in the subset."""
        return len(self._split.train)

    @property
    def truth(self):
        """The labels inside which settings are compared, an integer array `[N]`."""
        return self.data.train_labels[self._split.train]

    @functools.cached_property
    def digest(self):
        """Of all that a trial's result depends on, but for its setting."""
        chosen = self.data.subset_digest(self._split.train)
        truth, images = digests.of_lines(self.truth), self.data.train.fingerprint
        splits = splits_digest(self._splits)
        return digests.of_json(self._estimator.digest, images, chosen, truth, self.seed, splits, *self._schedule)

    @property
    def _schedule(self):
        """What else of how trials are trained a result depends on."""
        return ()


def _drawn_split(data, labels_per_class, fraction, subset, seed):
    """The `Split` to search in, whose test part is empty; arguments as of `LabelFractionHyperModel`."""
    given = [value is not None for value in (labels_per_class, fraction, subset)]
    if sum(given) != 1:
        raise InputError(
            "`labels_per_class`, `fraction` or `subset` must be given, one of them. "
            f"Received: labels_per_class={labels_per_class}, fraction={fraction}, "
            f"{'a' if subset is not None else 'no'} subset"
        )
    if subset is not None:
        positions = np.unique(subset)
        if not len(positions) or positions[0] < 0 or positions[-1] >= len(data.train):
            raise InputError(
                f"`subset` must be positions of images, from 0 to {len(data.train) - 1}. Received: "
                f"{len(positions)}{f', from {positions[0]} to {positions[-1]}' if len(positions) else ''}"
            )
    else:
        numbers = {"labels_per_class": (labels_per_class,)} if fraction is None else {"fractions": (fraction,)}
        (positions,) = nested_subsets(data.train_labels, seed, **numbers).values()
    return data.split_of(positions, seed)

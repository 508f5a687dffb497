"""The hyperparameters of pre-training, compared by what a few labels make of the encoder."""

import dataclasses
import functools
import pathlib
import shutil

import keras_tuner
import numpy as np
from rich.console import Console

from cpc_keras.config.build import build_cpc
from cpc_keras.config.files import first_names
from cpc_keras.config.resolve import resolve
from cpc_keras.errors import DivergedError, InputError
from cpc_keras.evaluation.features import EncoderFeatures, extract, with_joined
from cpc_keras.evaluation.held_out_scores import held_out_splits, splits_digest
from cpc_keras.evaluation.probes import LinearProbe
from cpc_keras.pretraining.pretrain import pretrain
from cpc_keras.storage import digests
from cpc_keras.tuning.racing import RacingHyperModel

_DIRECTIONS = ("down,up,right,left", "down,up", "down")
_OFFSETS = ("2,3", "3", "2", "1,2,3")
_DISTORTIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
# Strides that the patches of a grid reach over at least, so that offsets of 3 find their targets.
_STEPS = 3
# Fields of a recipe that no trial depends on: a trial has its own number of steps.
_IRRELEVANT = ("minutes", "learning_curve", "jitter", "labelled", "tracker")


class PretrainingHyperModel(RacingHyperModel):
    """Searches patches, offsets, directions, augmentation and learning rate of CPC at a small budget of steps.

    A trial pre-trains an encoder and puts a linear probe on it, scored by
    cross-validation inside the labelled subset. A trial that was broken off goes
    on at its last checkpoint.

    Args:
        recipe: A resolved `Recipe`, the default.
        images: The `ImageSet` that it is trained on.
        labelled: The labelled `ImageSet` of the subset.
        unlabelled: An `ImageSet` from which the probe takes the scale of features;
            its labels are not looked at.
        steps: Optimizer steps of a trial.
        folder: Where trials are kept.
        seed: Of the folds.
        epochs: What Hyperband is to be given as `max_epochs`: trainings are cut into so
            many parts.
        progress: A `NoProgress` or the like, told of trials.

    Raises:
        InputError: If the labels do not suffice.
    """

    def __init__(self, recipe, images, labelled, unlabelled, steps, folder, seed=0, epochs=1, progress=None):
        super().__init__("pretraining", folder, epochs, progress)
        self.recipe = recipe
        self.images = images
        self.labelled = labelled
        self.unlabelled = unlabelled
        self.steps = steps
        self.seed = seed
        self._runs = pathlib.Path(folder) / "runs"
        self._splits = held_out_splits(self.truth, seed)

    @property
    def truth(self):
        """The labels inside which settings are compared, an integer array `[N]`."""
        return self.labelled.labels

    @functools.cached_property
    def digest(self):
        """Of all that a trial's result depends on, but for its setting."""
        sets = [images.fingerprint for images in (self.images, self.labelled, self.unlabelled)]
        truth = digests.of_lines(self.truth)
        splits = splits_digest(self._splits)
        recipe = first_names(dataclasses.asdict(self.recipe), type(self.recipe))
        for name in _IRRELEVANT:
            del recipe[name]
        return digests.of_json(recipe, sets, truth, self.steps, self.seed, splits)

    def coarse_space(self):
        """A few values of what matters most, for a search that tries them all."""
        hp = keras_tuner.HyperParameters()
        own = self.recipe.patch_color_distortion
        hp.Choice("patch_color_distortion", _with(own, (0.0, 0.5, 1.0)))
        hp.Choice("rate", (1.0, 0.4, 2.5))
        return hp

    def setting(self, hp):
        """The recipe's fields that are searched."""
        recipe = self.recipe
        others = [recipe.patch_size + count * recipe.stride for count in (-1, 1, 2)]
        sizes = [size for size in others if 2 * recipe.stride <= size <= recipe.crop - _STEPS * recipe.stride]
        offsets, directions = _text(recipe.offsets), ",".join(recipe.directions)
        distortion, flip = recipe.patch_color_distortion, recipe.patch_flip
        return {
            "patch_size": hp.Choice("patch_size", _with(recipe.patch_size, sizes)),
            "offsets": _numbers(hp.Choice("offsets", _with(offsets, _OFFSETS))),
            "directions": tuple(hp.Choice("directions", _with(directions, _DIRECTIONS)).split(",")),
            "patch_color_distortion": hp.Choice("patch_color_distortion", _with(distortion, _DISTORTIONS)),
            "patch_flip": hp.Choice("patch_flip", _with(flip, (0.0, 0.5))),
            "learning_rate": recipe.learning_rate * hp.Float("rate", 0.2, 5.0, sampling="log", default=1.0),
        }

    def asked(self, setting, steps=None):
        """The recipe with a setting, for a number of steps.

        Raises:
            InputError: If patches and offsets do not fit the images.
        """
        fields = {"steps": steps or self.recipe.steps, "minutes": None, "learning_curve": ()}
        return resolve(dataclasses.replace(self.recipe, **setting, **fields), self.images)

    def build(self, hp):
        """An untrained model, as keras-tuner wants it."""
        return build_cpc(self._fitting(self.setting(hp)))

    def _fitting(self, setting, steps=None):
        """As `asked`; patches and offsets that do not fit fail the trial, and not the search."""
        try:
            return self.asked(setting, steps)
        except InputError as error:
            raise keras_tuner.errors.FailedTrialError(str(error)) from error

    def held_out_predictions(self, setting, share):
        """`(predictions, weights)` of a setting, trained for a share of the steps."""
        whole = self.recipe.accumulate
        steps = whole * max(1, round(self.steps * share / whole))
        recipe = dataclasses.replace(
            self._fitting(setting, steps), keep_checkpoints=1, keep_milestones=False, online_probe=None, tracker=None
        )
        run = self._runs / digests.of_json(self.digest, setting, share)[:16]
        try:
            model = pretrain(recipe, run, Console(quiet=True))
        except DivergedError:
            held_out = np.concatenate([held_out for _, held_out in self._splits])
            predictions = held_out, np.full((len(held_out), self._classes), np.nan)
        else:
            predictions = self._probed(model, recipe.crop)
        shutil.rmtree(run)
        return [predictions], None

    @property
    def _classes(self):
        return self.truth.max() + 1

    def _probed(self, model, crop):
        """What a linear probe makes of held-out labels, all at once: beside pre-training, folds cost nothing."""
        features, unlabelled = (
            with_joined(extract(EncoderFeatures(model), images, crop)) for images in (self.labelled, self.unlabelled)
        )
        predictions = []
        for train, held_out in self._splits:
            probe = LinearProbe(seed=self.seed).fit(_rows(features, train), self.truth[train], unlabelled)
            found = np.zeros((len(held_out), self._classes))
            found[:, probe.classes_] = probe.predict_proba(_rows(features, held_out))
            predictions.append((held_out, found))
        return tuple(np.concatenate(parts) for parts in zip(*predictions, strict=True))


def _rows(features, positions):
    return {name: values[positions] for name, values in features.items()}


def _with(own, known):
    return (own, *(one for one in known if one != own))


def _text(values):
    return ",".join(map(str, values))


def _numbers(text):
    return tuple(int(part) for part in text.split(","))

"""What every search here shares: settings that are judged inside the labels, once each."""

import abc
import pathlib

import keras_tuner
import numpy as np

from cpc_keras import digests
from cpc_keras.cell_files import CellFiles
from cpc_keras.errors import InputError
from cpc_keras.evaluation.inner_splits import inner_splits
from cpc_keras.progress import NoProgress

# Labels up to which folds are drawn twice.
_TWICE = 100
_FOLDS = 5
# Balanced accuracy and log-likelihood of a training that did not stay finite.
_DIVERGED = (0.0, -20.0)
# What likelihood weighs beside accuracy, which ties on few labels.
_LIKELIHOOD = 0.1


class BrokenOffError(keras_tuner.errors.FatalError):
    """Ends a search at once; its cause says why."""


class JudgedHyperModel(keras_tuner.HyperModel, abc.ABC):
    """Settings judged by held-out labels, whatever they are settings of.

    Subclasses give `build(hp)` and what is abstract here.

    Args:
        name: Name of the hypermodel.
        folder: Where finished trials are kept.
        epochs: What Hyperband is to be given as `max_epochs`.
        progress: A `NoProgress` or the like, told of trials.

    Attributes:
        objective: The `keras_tuner.Objective` to give to a tuner.
        computed: Settings that were judged here, not read.
    """

    objective = keras_tuner.Objective("score", "max")

    def __init__(self, name, folder, epochs, progress=None):
        super().__init__(name=name)
        self.epochs = epochs
        self.progress = progress or NoProgress()
        self.computed = 0
        self._trials = CellFiles(pathlib.Path(folder) / "trials")

    @property
    @abc.abstractmethod
    def digest(self):
        """Of all that a trial's result depends on, but for its setting."""

    @abc.abstractmethod
    def coarse_space(self):
        """A few values of what matters most, for a search that tries them all.

        A `keras_tuner.HyperParameters`; what it does not name stays at its default.
        """

    @abc.abstractmethod
    def setting(self, hp):
        """What the hyperparameters stand for, as a dictionary."""

    @abc.abstractmethod
    def judge(self, setting, share):
        """`((balanced accuracy, log-likelihood), weights)` of a setting, trained for a share of the steps.

        Figures that are no numbers are of a training that diverged. The weights are
        those that a tuner keeps of the trial, `None` for none.
        """

    def fit(self, hp, model, *, epochs=None, initial_epoch=0, callbacks=(), **kwargs):
        """Judges a setting.

        Training begins anew also where Hyperband goes on with a trial. What a tuner
        keeps as the trial's model is that of the last fold; where the trial was read,
        not run, it is untrained. Either way a classifier is to be trained again, on all
        labels.

        Args:
            hp: A `keras_tuner.HyperParameters`.
            model: What `build` made of it.
            epochs: Of the hypermodel's `epochs`, how many the trial is given; all
                of them if `None`.
            initial_epoch: Not used.
            callbacks: Those of the tuner, called once at the end.
            **kwargs: Not used.

        Returns:
            `{"score", "balanced_accuracy", "log_likelihood"}`.

        Raises:
            BrokenOffError: If a trial could not be judged for a reason that is not its
                setting.
        """
        epochs = self.epochs if epochs is None else epochs
        if not 1 <= epochs <= self.epochs:
            raise keras_tuner.errors.FatalValueError(
                f"`epochs` must lie in [1, {self.epochs}], the hypermodel's. Received: epochs={epochs}"
            )
        try:
            figures, weights = self._judged(self.setting(hp), epochs / self.epochs)
        except keras_tuner.errors.FailedTrialError:
            raise
        except Exception as error:  # keras-tuner would count it as a failed trial and go on
            raise BrokenOffError(str(error)) from error
        if weights is not None:
            model.set_weights(weights)
        for callback in callbacks:
            callback.set_model(model)
            callback.on_epoch_end(0, figures)
        self.progress.advance()
        return figures

    def figures(self, hp):
        """What `fit` returns for a setting; read, if it was judged before.

        Args:
            hp: A `keras_tuner.HyperParameters`; that of Hyperband says how many
                epochs it was given.

        Returns:
            `(figures, share)`: the dictionary, and the share of a whole training.
        """
        share = hp.values.get("tuner/epochs", self.epochs) / self.epochs
        return self._judged(self.setting(hp), share)[0], share

    def _judged(self, setting, share):
        """Figures of a setting, and the weights to keep unless it was judged before."""
        digest = digests.of_json(self.digest, setting, share, _LIKELIHOOD)
        known = self._trials.load(digest[:16], digest)
        if known is not None:
            return known[0]["figures"], None
        judged, weights = self.judge(setting, share)
        self.computed += 1
        accuracy, likelihood = map(float, judged if np.isfinite(judged).all() else _DIVERGED)
        figures = {
            "score": accuracy + _LIKELIHOOD * likelihood,
            "balanced_accuracy": accuracy,
            "log_likelihood": likelihood,
        }
        self._trials.save(digest[:16], digest, {"setting": setting, "share": share, "figures": figures})
        return figures, weights


def held_out_splits(labels, seed, single_above=2000):
    """The folds by which settings are judged, see `inner_splits`.

    Args:
        labels: Integer array `[N]`.
        seed: Whole number.
        single_above: Labels above which one held-out third judges.

    Raises:
        InputError: If nothing can be held out.

    Example:

    >>> [len(held_out_splits(np.arange(count) % 2, seed=0)) for count in (20, 200, 3000)]
    [10, 5, 1]
    """
    splits = inner_splits(labels, _FOLDS, 2 if len(labels) <= _TWICE else 1, single_above, seed)
    if not splits:
        raise InputError(
            "The labelled subset must have two classes of two labels each, or more, to hold some of them out. "
            f"Received: {len(labels)} labels"
        )
    return splits

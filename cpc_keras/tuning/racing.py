"""What every search here shares: settings that race inside the labels, each trained once."""

import abc
import dataclasses
import pathlib

import keras_tuner
import numpy as np
import pandas as pd

from cpc_keras.errors import InputError
from cpc_keras.evaluation.classifier import digested
from cpc_keras.evaluation.held_out_scores import DIVERGED, LIKELIHOOD, HeldOutScores, held_out_scores, standard_error
from cpc_keras.evaluation.scores import balanced_mean
from cpc_keras.progress import NoProgress
from cpc_keras.storage import digests
from cpc_keras.storage.results import ResultStore
from cpc_keras.tuning.folder import best_first, chosen

# When a setting leaves the race; what left it by another rule is tried again.
_RULE = "behind by a standard error"
# More trials than a search has.
_ALL = 10**9


class BrokenOffError(keras_tuner.errors.FatalError):
    """Ends a search at once; its cause says why."""


class RacingHyperModel(keras_tuner.HyperModel, abc.ABC):
    """Settings compared by held-out labels, whatever they are settings of.

    Subclasses give `build(hp)` and what is abstract here. The setting that all
    hyperparameters have by default is the one to beat: the best of many by a few
    held-out labels is often the luckiest. The others race against it: one that
    is behind it by more than a standard error after a part of the held-out labels is
    not trained for the rest. It hardly could have won, and costs a share of the time.

    Args:
        name: Name of the hypermodel.
        folder: Where finished trials are kept.
        epochs: What Hyperband is to be given as `max_epochs`.
        progress: A `NoProgress` or the like, told of trials.

    Attributes:
        objective: The `keras_tuner.Objective` to give to a tuner.
        computed: Trials that were trained here, not read.

    Reference:
        After Maron and Moore 1994, Hoeffding Races (models that are behind leave the
        comparison), with a paired standard error for their bound.
    """

    objective = keras_tuner.Objective("score", "max")

    def __init__(self, name, folder, epochs, progress=None):
        super().__init__(name=name)
        self.epochs = epochs
        self.progress = progress or NoProgress()
        self.computed = 0
        self._trials = ResultStore(pathlib.Path(folder) / "trials", check=self._check)
        self._defaults: dict[float, HeldOutScores] = {}

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

    @property
    @abc.abstractmethod
    def truth(self):
        """The labels inside which settings are compared, an integer array `[N]`."""

    @abc.abstractmethod
    def held_out_predictions(self, setting, share):
        """`(predictions, weights)` of a setting, trained for a share of the steps.

        The predictions are an iterable of `(positions, probabilities [len(positions),
        classes])` of held-out labels; where the setting falls behind, what is left of
        them is not asked for. Probabilities that are no numbers are of a training that
        diverged. The weights are a function that gives those that a tuner keeps of the
        trial, asked for after the predictions; `None` for none.
        """

    def fit(self, hp, model, *, epochs=None, initial_epoch=0, callbacks=(), **kwargs):
        """Tries a setting.

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
            `{"score", "balanced_accuracy", "log_likelihood"}`; of a setting that fell
            behind, those of the default, trained as long, and its distance from it.

        Raises:
            BrokenOffError: If a trial could not be trained for a reason that is not its
                setting.
        """
        epochs = self.epochs if epochs is None else epochs
        if not 1 <= epochs <= self.epochs:
            raise keras_tuner.errors.FatalValueError(
                f"`epochs` must lie in [1, {self.epochs}], the hypermodel's. Received: epochs={epochs}"
            )
        try:
            figures, weights = self._fitted(self.setting(hp), epochs / self.epochs)
            if weights is not None:
                model.set_weights(weights)
            for callback in callbacks:
                callback.set_model(model)
                callback.on_epoch_end(0, figures)
        except keras_tuner.errors.FailedTrialError:
            raise
        except Exception as error:  # keras-tuner would count it as a failed trial and go on
            raise BrokenOffError(str(error)) from error
        self.progress.advance()
        return figures

    def figures(self, hp):
        """What `fit` returns for a setting, and how it stands to the default.

        Both are read where they were tried before, and trained where not.

        Args:
            hp: A `keras_tuner.HyperParameters`; that of Hyperband says how many
                epochs it was given.

        Returns:
            The dictionary of `fit` with `"share"` (of a whole training), `"held_out"`
            (how many held-out labels it was tested on), `"lead"` (in score, over the default,
            trained as long) and `"error"` (the lead's standard error over these
            labels).
        """
        share = hp.values.get("tuner/epochs", self.epochs) / self.epochs
        scores, default = self._scores(self.setting(hp), share), self._default(share)
        lead, error = self._lead(scores, default)
        figures = self._figures(scores, default)
        return {"share": share, "held_out": len(scores.positions), **figures, "lead": lead, "error": error}

    def best(self, tuner):
        """The hyperparameters that a search should be left with.

        Those of the best trial that was trained to the end, if it is ahead of the
        default by more than a standard error; else the default's.

        Args:
            tuner: A `keras_tuner.Tuner` that has searched this.

        Returns:
            A `keras_tuner.HyperParameters`.

        Raises:
            InputError: If no trial was trained to the end.

        Reference:
            After the rule of one standard error, Breiman et al. 1984, Classification
            and Regression Trees.
        """
        default = keras_tuner.HyperParameters()
        # What workers know of a chief's oracle is this method; it gives what failed, too.
        finished = [trial for trial in tuner.oracle.get_best_trials(_ALL) if trial.status == "COMPLETED"]
        known = [default, *(trial.hyperparameters for trial in finished)]
        table = pd.DataFrame([self.figures(hp) for hp in known])
        if len(best_first(table)) == 1:
            raise InputError(
                f"`tuner` must have finished a trial of all {self.epochs} epochs of the hypermodel (Hyperband's "
                f"max_epochs). Received: {len(finished)} finished trials, of fewer"
            )
        return known[chosen(table).name]

    def _fitted(self, setting, share):
        """`(figures, weights)` of a trial; no weights where it was read."""
        scores, weights = self._read(setting, share), None
        if scores is None:
            scores, weights = self._run(setting, share)
            self.computed += 1
        return self._figures(scores, self._default(share)), weights

    def _scores(self, setting, share):
        """What held-out labels say of a setting that is trained for a share of the steps."""
        return self._read(setting, share) or self._run(setting, share)[0]

    @property
    def _default_setting(self):
        return self.setting(keras_tuner.HyperParameters())

    def _default(self, share):
        if share not in self._defaults:
            self._defaults[share] = self._scores(self._default_setting, share)
        return self._defaults[share]

    def _digest(self, setting, share):
        return digests.of_json(self.digest, digested(setting), share, LIKELIHOOD, DIVERGED, _RULE)

    def _check(self, record, arrays):
        """Raises an error unless this is what `_run` keeps of a trial."""
        scores = HeldOutScores(**arrays)
        if not len(scores.positions) == len(scores.hits) == len(scores.likelihoods):
            raise ValueError("its arrays are not of the same labels")
        if not np.isin(scores.positions, np.arange(len(self.truth))).all():
            raise ValueError("its labels are not those of the search")

    def _read(self, setting, share):
        digest = self._digest(setting, share)
        known = self._trials.load(digest[:16], digest)
        return known and HeldOutScores(**known[1])

    def _run(self, setting, share):
        """`(scores, weights)`, kept."""
        default = None if setting == self._default_setting else self._default(share)
        predictions, weights = self.held_out_predictions(setting, share)
        taken = []
        for prediction in predictions:
            taken.append(prediction)
            scores = held_out_scores(self.truth, taken)
            if default and self._is_behind(scores, default):
                break
        digest = self._digest(setting, share)
        self._trials.save(digest[:16], digest, {"setting": setting, "share": share}, **dataclasses.asdict(scores))
        return scores, weights and weights()

    def _lead(self, scores, default):
        """`(lead, error)` in score over the default, over the labels that both were tested on."""
        leads, labels = scores.scores - default.at(scores.positions).scores, self.truth[scores.positions]
        return balanced_mean(leads, labels), standard_error(leads, labels)

    def _is_behind(self, scores, default):
        lead, error = self._lead(scores, default)
        return lead < -error

    def _figures(self, scores, default):
        """Of all held-out labels: the default's, and the distance from it over those that both were tested on."""
        same = default.at(scores.positions)

        def of_all(name):
            ours, theirs, everywhere = (getattr(one, name) for one in (scores, same, default))
            distance = balanced_mean(ours - theirs, self.truth[scores.positions])
            return balanced_mean(everywhere, self.truth[default.positions]) + distance

        return {
            "score": of_all("scores"),
            "balanced_accuracy": of_all("hits"),
            "log_likelihood": of_all("likelihoods"),
        }

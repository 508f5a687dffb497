"""What every search here shares: settings that are judged inside the labels, once each."""

import abc
import dataclasses
import pathlib

import keras_tuner
import pandas as pd

from cpc_keras.errors import InputError
from cpc_keras.evaluation.scores import balanced_mean
from cpc_keras.progress import NoProgress
from cpc_keras.storage import digests
from cpc_keras.storage.results import ResultStore
from cpc_keras.tuning.folder import best_first, chosen
from cpc_keras.tuning.held_out import DIVERGED, LIKELIHOOD, Judged, judged_labels, standard_error

# When a setting leaves the race; what was judged by another rule is judged again.
_RULE = "behind by a standard error"
# More trials than a search has.
_ALL = 10**9


class BrokenOffError(keras_tuner.errors.FatalError):
    """Ends a search at once; its cause says why."""


class JudgedHyperModel(keras_tuner.HyperModel, abc.ABC):
    """Settings judged by held-out labels, whatever they are settings of.

    Subclasses give `build(hp)` and what is abstract here. The setting that all
    hyperparameters have by default is the one to beat: the best of many that were
    judged by a few labels is often the luckiest. The others race against it: one that
    is behind it by more than a standard error after a part of the held-out labels is
    not judged by the rest. It hardly could have won, and costs a share of the time.

    Args:
        name: Name of the hypermodel.
        folder: Where finished trials are kept.
        epochs: What Hyperband is to be given as `max_epochs`.
        progress: A `NoProgress` or the like, told of trials.

    Attributes:
        objective: The `keras_tuner.Objective` to give to a tuner.
        computed: Trials that were judged here, not read.

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
        self._trials = ResultStore(pathlib.Path(folder) / "trials")
        self._defaults: dict[float, Judged] = {}

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
        """The labels inside which settings are judged, an integer array `[N]`."""

    @abc.abstractmethod
    def judge(self, setting, share):
        """`(answers, weights)` of a setting, trained for a share of the steps.

        The answers are an iterable of `(positions, probabilities [len(positions),
        classes])` of held-out labels; where the setting falls behind, what is left of
        them is not asked for. Probabilities that are no numbers are of a training that
        diverged. The weights are a function that gives those that a tuner keeps of the
        trial, asked for after the answers; `None` for none.
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
            `{"score", "balanced_accuracy", "log_likelihood"}`; of a setting that fell
            behind, those of the default, trained as long, and its distance from it.

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
            figures, weights = self._fitted(self.setting(hp), epochs / self.epochs)
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
        """What `fit` returns for a setting, and how it stands to the default.

        Both are read where they were judged before, and judged where not.

        Args:
            hp: A `keras_tuner.HyperParameters`; that of Hyperband says how many
                epochs it was given.

        Returns:
            The dictionary of `fit` with `"share"` (of a whole training), `"judged"`
            (how many held-out labels judged it), `"lead"` (in score, over the default,
            trained as long) and `"error"` (the lead's standard error over these
            labels, which judged both).
        """
        share = hp.values.get("tuner/epochs", self.epochs) / self.epochs
        judged, default = self._judged(self.setting(hp), share), self._default(share)
        lead, error = self._lead(judged, default)
        figures = self._figures(judged, default)
        return {"share": share, "judged": len(judged.positions), **figures, "lead": lead, "error": error}

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
        judged, weights = self._read(setting, share), None
        if judged is None:
            judged, weights = self._run(setting, share)
            self.computed += 1
        return self._figures(judged, self._default(share)), weights

    def _judged(self, setting, share):
        """What held-out labels say of a setting that is trained for a share of the steps."""
        return self._read(setting, share) or self._run(setting, share)[0]

    @property
    def _default_setting(self):
        return self.setting(keras_tuner.HyperParameters())

    def _default(self, share):
        if share not in self._defaults:
            self._defaults[share] = self._judged(self._default_setting, share)
        return self._defaults[share]

    def _digest(self, setting, share):
        return digests.of_json(self.digest, setting, share, LIKELIHOOD, DIVERGED, _RULE)

    def _read(self, setting, share):
        digest = self._digest(setting, share)
        known = self._trials.load(digest[:16], digest)
        return known and Judged(**known[1])

    def _run(self, setting, share):
        """`(judged, weights)`, kept."""
        default = None if setting == self._default_setting else self._default(share)
        answers, weights = self.judge(setting, share)
        taken = []
        for answer in answers:
            taken.append(answer)
            judged = judged_labels(self.truth, taken)
            if default and self._is_behind(judged, default):
                break
        digest = self._digest(setting, share)
        self._trials.save(digest[:16], digest, {"setting": setting, "share": share}, **dataclasses.asdict(judged))
        return judged, weights and weights()

    def _lead(self, judged, default):
        """`(lead, error)` in score over the default, over the labels that judged both."""
        leads, labels = judged.scores - default.at(judged.positions).scores, self.truth[judged.positions]
        return balanced_mean(leads, labels), standard_error(leads, labels)

    def _is_behind(self, judged, default):
        lead, error = self._lead(judged, default)
        return lead < -error

    def _figures(self, judged, default):
        """Of all held-out labels: the default's, and the distance from it over those that judged both."""
        same = default.at(judged.positions)

        def of_all(name):
            ours, theirs, everywhere = (getattr(one, name) for one in (judged, same, default))
            distance = balanced_mean(ours - theirs, self.truth[judged.positions])
            return balanced_mean(everywhere, self.truth[default.positions]) + distance

        return {
            "score": of_all("scores"),
            "balanced_accuracy": of_all("hits"),
            "log_likelihood": of_all("likelihoods"),
        }

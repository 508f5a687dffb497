"""What probes share: pooling and setting are chosen inside the labelled subset, by labels that are held out."""

import contextlib
import copy
import dataclasses
import itertools
import warnings

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from cpc_keras.evaluation import holdout
from cpc_keras.evaluation.calibration import TINY
from cpc_keras.evaluation.features import SECOND_MOMENT, USUAL_POOLINGS
from cpc_keras.evaluation.held_out_scores import standard_error
from cpc_keras.evaluation.scores import balanced_mean
from cpc_keras.storage import digests

_EPSILON = 1e-6
# Smallest probability a held-out label is taken to have; neighbours may give 0.
FLOOR = 1e-2
# Up to so many labels one thread is faster than two.
_THREADED = 20_000
# Up to so many labels, features are rotated into the space that they span.
_SPANNED = 600
# What searches found in this process, the oldest first, and how many of them are kept: a few kilobytes each.
_CHOSEN: dict[str, tuple] = {}
_KEPT = 500


class PooledProbe(ClassifierMixin, BaseEstimator):
    """Standardises each pooling of the features and chooses pooling and setting by cross-validation.

    The usual pooling (`cpc_keras.evaluation.features.USUAL_POOLINGS`) stays unless another
    is ahead of it by more than a standard error; where no label can be held out, with one
    label a class, it is that and the middle of the settings.
    Classes count alike, however many labels each has. Subclasses have the arguments
    `folds`, `seed` and `poolings`, and give `_setting_name`, `_settings(count)` for
    so many labels to train on, and `_classifier(setting)`.

    Attributes:
        floor: Smallest probability that a class is taken to have where probabilities are
            calibrated.
    """

    floor = TINY

    def fit(self, features, labels, unlabelled=None):
        """Chooses and fits.

        Args:
            features: Dictionary from pooling to float array `[N, D]`.
            labels: Integer array `[N]`.
            unlabelled: Features of further images, without labels, from which mean
                and deviation of each feature are taken; the labelled ones if
                `None`.

        Returns:
            Itself, with `classes_`, `selected_` (pooling and setting), `trials_`
            (number of combinations tried) and `held_out_`: `(positions [n],
            probabilities [n, classes])`, what the chosen setting said of labels while
            they were held out, by which probabilities can be calibrated.

        Raises:
            ValueError: If `features` has none of the poolings that the probe is for.
        """
        with _for_small_fits(len(labels)):
            return self._fit(features, np.asarray(labels), features if unlabelled is None else unlabelled)

    def _fit(self, features, labels, unlabelled):
        names = [name for name in self.poolings or features if name in features and not name.endswith(SECOND_MOMENT)]
        if not names:
            raise ValueError(f"`features` must hold at least one of {self.poolings}. Received: {sorted(features)}")
        splits = dataclasses.replace(holdout.PROBES, folds=self.folds).splits(labels, self.seed)
        self.scaling_ = {name: moments(unlabelled, name) for name in names}
        settings = self._settings(min((len(train) for train, _ in splits), default=len(labels)))
        candidates = [(name, setting) for name in names for setting in settings]
        self.trials_ = len(candidates) if splits else 1  # nothing was held out
        self.held_out_ = np.empty(0, int), np.empty((0, len(np.unique(labels))))
        usual = next((name for name in USUAL_POOLINGS if name in names), None)
        if splits:
            used, splits = holdout.among_used(splits)
            scaled = {name: self._scale(name, features[name][used]) for name in names}
            pooling, setting, places, probabilities = self._chosen(scaled, labels[used], settings, splits, usual)
            self.held_out_ = used[places], probabilities
        else:
            pooling, setting = usual or names[0], settings[len(settings) // 2]
        self.selected_ = {"pooling": pooling, self._setting_name: setting}
        return self._put_on(features, labels)

    def _chosen(self, scaled, labels, settings, splits, usual):
        """`(pooling, setting, places, probabilities)`: what is best by held-out labels, and what it said of these.

        Probes that come to the same search, as those of `linear` and `propagated` on one
        label subset, make it once.
        """
        arrays = [(one.shape, digests.of_array(one)) for one in (*scaled.values(), labels, *itertools.chain(*splits))]
        asked = digests.of_json(type(self).__name__, list(scaled), settings, usual, arrays)
        if asked not in _CHOSEN:
            losses = {}
            for name, values in scaled.items():
                reduced = _reduce(values)[0]
                for setting in settings:
                    losses[name, setting] = self._loss(reduced, labels, setting, splits)
            pooling, setting = choose(losses, labels, [one for one in losses if one[0] == usual])
            _CHOSEN[asked] = pooling, setting, *self._held_out(_reduce(scaled[pooling])[0], labels, setting, splits)
            if len(_CHOSEN) > _KEPT:
                del _CHOSEN[next(iter(_CHOSEN))]
        return _CHOSEN[asked]

    def _put_on(self, features, labels):
        """Fits the classifier with what was selected."""
        pooling, setting = self.selected_["pooling"], self.selected_[self._setting_name]
        scaled, self.basis_, self.center_ = _reduce(self._scale(pooling, features[pooling]))
        self.classifier_ = self._fitted(setting, scaled, labels)
        self.classes_ = self.classifier_.classes_
        return self

    def refitted(self, features, labels):
        """Another one with the same scaling, pooling and setting, fitted on other labels.

        Args:
            features: Dictionary from pooling to float array `[N, D]`.
            labels: Integer array `[N]`.
        """
        with _for_small_fits(len(labels)):
            return copy.copy(self)._put_on(features, np.asarray(labels))

    def _loss(self, features, labels, setting, splits):
        """Loss of each label while it was held out, a mean where it was so several times; NaN where it was not."""
        total, times = np.zeros(len(labels)), np.zeros(len(labels))
        for train, held_out in splits:
            fitted = self._fitted(setting, features[train], labels[train])
            total[held_out] += self._losses(fitted, features[held_out], labels[held_out])
            times[held_out] += 1
        return np.divide(total, times, out=np.full(len(labels), np.nan), where=times > 0)

    def _held_out(self, features, labels, setting, splits):
        """`(places, probabilities)` of the labels that splits hold out."""
        classes, parts = np.unique(labels), []
        for train, held_out in splits:
            fitted = self._fitted(setting, features[train], labels[train])
            probabilities = np.zeros((len(held_out), len(classes)))
            probabilities[:, np.searchsorted(classes, fitted.classes_)] = fitted.predict_proba(features[held_out])
            parts.append((held_out, probabilities))
        places, probabilities = (np.concatenate(part) for part in zip(*parts, strict=True))
        return places, probabilities

    def _losses(self, fitted, features, labels):
        """Cross-entropy of each label: finer than the share of hits, which ties on few labels."""
        place = np.searchsorted(fitted.classes_, labels)
        probabilities = fitted.predict_proba(features)[np.arange(len(labels)), place]
        return -np.log(np.maximum(probabilities, FLOOR))

    def _fitted(self, setting, features, labels):
        with warnings.catch_warnings():
            # A weakly regularised fit that stops early is a candidate like any other.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return self._classifier(setting).fit(features, labels)

    def _scale(self, name, values):
        mean, deviation = self.scaling_[name]
        return (values - mean) / deviation

    def _project(self, features):
        pooling = self.selected_["pooling"]
        scaled = self._scale(pooling, features[pooling]) - self.center_
        return scaled if self.basis_ is None else scaled @ self.basis_

    def predict(self, features):
        """Class of each image, `[N]`."""
        return self.classifier_.predict(self._project(features))

    def predict_proba(self, features):
        """Probabilities, `[N, classes]`."""
        return self.classifier_.predict_proba(self._project(features))


@contextlib.contextmanager
def _for_small_fits(count):
    """What makes hundreds of fits of few labels faster.

    On small matrices threads mostly wait for each other, and scikit-learn spends a tenth of
    the time on checks of its own arguments, which are always the same here.
    """
    with threadpool_limits(1 if count <= _THREADED else None), sklearn.config_context(skip_parameter_validation=True):
        yield


def choose(losses, labels, usual):
    """The candidate of the lowest loss, classes alike; one of the usual ones unless it is better by more than luck.

    By few labels the best of many is often the luckiest. So another one has to
    be ahead by more than the standard error of the paired difference.

    Args:
        losses: Dictionary from candidate to the loss of each label, NaN where it was not
            held out.
        labels: Integer array, of the labels.
        usual: List of the usual candidates.
    """
    held_out = np.isfinite(next(iter(losses.values())))
    truth = labels[held_out]
    means = {candidate: balanced_mean(loss[held_out], truth) for candidate, loss in losses.items()}
    best = min(means, key=means.__getitem__)
    if not usual:
        return best
    own = min(usual, key=means.__getitem__)
    ahead = (losses[own] - losses[best])[held_out]
    return best if balanced_mean(ahead, truth) > standard_error(ahead, truth) else own


def moments(features, pooling):
    """`(mean, deviation)` of each feature, over images or, where the second moment is there, over locations.

    Args:
        features: Dictionary from pooling to float array `[N, D]`.
        pooling: The one in question.
    """
    values, second_moment = features[pooling], features.get(f"{pooling}{SECOND_MOMENT}")
    mean = values.mean(axis=0)
    if second_moment is None:
        return mean, values.std(axis=0) + _EPSILON
    return mean, np.sqrt(np.maximum(second_moment.mean(axis=0) - mean**2, 0.0)) + _EPSILON


def _reduce(features):
    """Rotates features into the space that they span, where there are few.

    Neither logistic regression with a quadratic penalty nor distances change
    under a rotation, and with few labels the space is small: the fit takes
    milliseconds, the result is the same.

    Returns:
        `(coordinates [N, r], basis [D, r] or None, center [D])`.
    """
    center = features.mean(axis=0)
    features = features - center
    if len(features) > _SPANNED or len(features) >= features.shape[1]:
        return features, None, center
    features = features.astype("float64")
    _, _, basis = np.linalg.svd(features, full_matrices=False)
    return features @ basis.T, basis.T, center

"""Probes on frozen features, everything chosen inside the labelled subset."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

_EPSILON = 1e-6
# Smallest probability a held-out label is taken to have; neighbours may give 0.
_FLOOR = 1e-2
# Labels up to which all folds are made, and repeated the more often the fewer there are.
_CHEAP = 200


class _ViewProbe(ClassifierMixin, BaseEstimator):
    """Standardises each view and chooses the view and a setting by cross-validation.

    Subclasses give `_settings(smallest_class)` and `_classifier(setting)`.
    """

    def fit(self, views, labels, unlabelled=None):
        """Chooses and fits.

        Args:
            views: Dictionary from view to float array `[N, D_view]`.
            labels: Integer array `[N]`.
            unlabelled: Views of further images, without labels, from which mean
                and deviation of each feature are taken; the labelled ones if
                `None`.

        Returns:
            Itself, with `classes_`, `selected_` (view and setting) and `trials_`
            (number of combinations tried).
        """
        # The matrices are small: threads would wait for each other.
        with threadpool_limits(1):
            return self._fit(views, np.asarray(labels), unlabelled)

    def _fit(self, views, labels, unlabelled):
        smallest = np.unique(labels, return_counts=True)[1].min()
        folds = self._folds(labels, smallest)
        self.scaling_ = {
            name: _moments(values if unlabelled is None else unlabelled[name]) for name, values in views.items()
        }
        settings = self._settings(len(labels), smallest)
        candidates = [(name, setting) for name in views for setting in settings]
        self.trials_ = len(candidates)
        if folds:
            losses = {}
            for name, values in views.items():
                scaled = _reduce(self._scale(name, values))[0]
                for setting in settings:
                    losses[name, setting] = self._loss(scaled, labels, setting, folds)
            view, setting = min(losses, key=lambda candidate: losses[candidate])
        else:
            view, setting = candidates[len(candidates) // 2]
        self.selected_ = {"view": view, self._setting_name: setting}
        scaled, self.basis_, self.centre_ = _reduce(self._scale(view, views[view]))
        self.classifier_ = self._classifier(setting).fit(scaled, labels)
        self.classes_ = self.classifier_.classes_
        return self

    def _folds(self, labels, smallest):
        if smallest < 2:
            # One label of a class cannot be both learnt from and tested on.
            return []
        # A few labels make a noisy choice; they also make folds and repeats cheap.
        few = len(labels) <= _CHEAP
        splitter = RepeatedStratifiedKFold(
            n_splits=min(self.folds if few else 3, smallest),
            n_repeats=max(1, _CHEAP // len(labels)),
            random_state=self.seed,
        )
        return list(splitter.split(np.zeros(len(labels)), labels))

    def _loss(self, features, labels, setting, folds):
        """Cross-entropy on the held-out folds: finer than the share of hits, which ties on few labels."""
        losses = []
        for train, test in folds:
            fitted = self._fitted(setting, features[train], labels[train])
            place = np.searchsorted(fitted.classes_, labels[test])
            probabilities = fitted.predict_proba(features[test])[np.arange(len(test)), place]
            losses.append(-np.log(np.maximum(probabilities, _FLOOR)))
        return float(np.concatenate(losses).mean())

    def _fitted(self, setting, features, labels):
        with warnings.catch_warnings():
            # A weakly regularised fit that stops early is a candidate like any other.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return self._classifier(setting).fit(features, labels)

    def _scale(self, name, values):
        mean, deviation = self.scaling_[name]
        return (values - mean) / deviation

    def _project(self, views):
        view = self.selected_["view"]
        return (self._scale(view, views[view]) - self.centre_) @ self.basis_

    def predict(self, views):
        """Class of each image, `[N]`."""
        return self.classifier_.predict(self._project(views))

    def predict_proba(self, views):
        """Probabilities, `[N, classes]`."""
        return self.classifier_.predict_proba(self._project(views))


class LinearProbe(_ViewProbe):
    """Multinomial logistic regression on frozen features.

    Args:
        strengths: Inverse regularisation strengths to try, `C` of scikit-learn.
        folds: Folds of the cross-validation inside the labelled subset; fewer
            if a class has fewer labels, or if there are many labels.
        seed: Seed of the folds.

    Example:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1], 20)
    >>> views = {"mean": rng.normal(size=(40, 8)) + 3 * labels[:, None]}
    >>> float(LinearProbe().fit(views, labels).score(views, labels))
    1.0
    """

    _setting_name = "C"

    def __init__(self, strengths=(1e-3, 1e-2, 1e-1, 1.0), folds=5, seed=0):
        self.strengths = strengths
        self.folds = folds
        self.seed = seed

    def _settings(self, count, smallest):
        return self.strengths

    def _classifier(self, setting):
        return LogisticRegression(C=setting, max_iter=200)


class KNNProbe(_ViewProbe):
    """Nearest neighbours by cosine on frozen features.

    Args:
        neighbours: Numbers of neighbours to try.
        folds: As for `LinearProbe`.
        seed: Seed of the folds.

    Example:

    >>> import numpy as np
    >>> labels = np.repeat([0, 1], 10)
    >>> views = {"mean": np.eye(2)[labels] + 0.01 * np.arange(20)[:, None]}
    >>> float(KNNProbe().fit(views, labels).score(views, labels))
    1.0
    """

    _setting_name = "neighbours"

    def __init__(self, neighbours=(1, 3, 5, 10, 20), folds=5, seed=0):
        self.neighbours = neighbours
        self.folds = folds
        self.seed = seed

    def _settings(self, count, smallest):
        # In the smallest training fold every setting must find its neighbours.
        share = 1.0 if smallest < 2 else 1.0 - 1.0 / min(self.folds, smallest)
        return [k for k in self.neighbours if k <= count * share] or [1]

    def _classifier(self, setting):
        return KNeighborsClassifier(setting, metric="cosine", weights="distance")


def _moments(values):
    return values.mean(axis=0), values.std(axis=0) + _EPSILON


def _reduce(features):
    """Rotates features into the space that they span.

    Neither logistic regression with a quadratic penalty nor distances change
    under a rotation, and with few labels the space is small: the fit takes
    milliseconds, the result is the same.

    Returns:
        `(coordinates [N, r], basis [D, r], centre [D])`.
    """
    features = features.astype("float64")
    centre = features.mean(axis=0)
    if features.shape[0] >= features.shape[1]:
        return features - centre, np.eye(features.shape[1]), centre
    _, _, basis = np.linalg.svd(features - centre, full_matrices=False)
    return (features - centre) @ basis.T, basis.T, centre

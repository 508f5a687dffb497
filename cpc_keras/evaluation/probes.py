"""Probes on frozen features, everything chosen inside the labelled subset."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from cpc_keras.data.label_subsets import choose_labels
from cpc_keras.evaluation.features import SQUARE
from cpc_keras.evaluation.inner_splits import inner_splits

_EPSILON = 1e-6
# Smallest probability a held-out label is taken to have; neighbours may give 0.
_FLOOR = 1e-2
# Labels up to which all folds are made, and repeated the more often the fewer there are, up to so often.
_CHEAP, _REPEATS = 200, 4
# Labels from which on one held-out third does instead of folds, and of how many at most.
_SINGLE, _MOST = 600, 2000
# Bias, less so much, of a class that no label was seen of.
_UNSEEN = 20.0
# Up to so many labels one thread is faster than two.
_THREADED = 20_000
# Up to so many labels, features are rotated into the space that they span.
_SPANNED = 600


class _ViewProbe(ClassifierMixin, BaseEstimator):
    """Standardises each view and chooses the view and a setting by cross-validation.

    Classes count alike, however many labels each has. Subclasses give
    `_settings(labels_learnt_from)` and `_classifier(setting)`.
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

        Raises:
            ValueError: If `views` has none of the views that the probe is for.
        """
        # On small matrices threads mostly wait for each other.
        with threadpool_limits(1 if len(labels) <= _THREADED else None):
            return self._fit(views, np.asarray(labels), views if unlabelled is None else unlabelled)

    def _fit(self, views, labels, unlabelled):
        names = [name for name in self.views or views if name in views and not name.endswith(SQUARE)]
        if not names:
            raise ValueError(f"`views` must hold at least one of {self.views}. Received: {sorted(views)}")
        chosen = choose_labels(labels, max(_MOST, 3 * len(np.unique(labels))), self.seed)
        few = len(chosen) <= _CHEAP
        # A few labels make a noisy choice; they also make folds and repeats cheap.
        repeats = min(_REPEATS, max(1, _CHEAP // len(chosen)))
        folds = inner_splits(labels[chosen], self.folds if few else 3, repeats, _SINGLE, seed=self.seed)
        self.scaling_ = {name: moments(unlabelled, name) for name in names}
        learnt = min((len(learnt) for learnt, _ in folds), default=len(labels))
        settings = self._settings(learnt)
        candidates = [(name, setting) for name in names for setting in settings]
        self.trials_ = len(candidates) if folds else 1  # nothing was judged
        if folds:
            losses = {}
            for name in names:
                scaled = _reduce(self._scale(name, views[name][chosen]))[0]
                for setting in settings:
                    losses[name, setting] = self._loss(scaled, labels[chosen], setting, folds)
            view, setting = min(losses, key=lambda candidate: losses[candidate])
        else:
            view, setting = candidates[len(candidates) // 2]
        self.selected_ = {"view": view, self._setting_name: setting}
        scaled, self.basis_, self.centre_ = _reduce(self._scale(view, views[view]))
        self.classifier_ = self._fitted(setting, scaled, labels)
        self.classes_ = self.classifier_.classes_
        return self

    def _loss(self, features, labels, setting, folds):
        """Cross-entropy on the held-out folds: finer than the share of hits, which ties on few labels."""
        judged = []
        for train, test in folds:
            fitted = self._fitted(setting, features[train], labels[train])
            place = np.searchsorted(fitted.classes_, labels[test])
            probabilities = fitted.predict_proba(features[test])[np.arange(len(test)), place]
            judged.append((-np.log(np.maximum(probabilities, _FLOOR)), labels[test]))
        losses, truth = (np.concatenate(parts) for parts in zip(*judged, strict=True))
        return float(np.mean([losses[truth == label].mean() for label in np.unique(truth)]))

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
        scaled = self._scale(view, views[view]) - self.centre_
        return scaled if self.basis_ is None else scaled @ self.basis_

    def predict(self, views):
        """Class of each image, `[N]`."""
        return self.classifier_.predict(self._project(views))

    def predict_proba(self, views):
        """Probabilities, `[N, classes]`."""
        return self.classifier_.predict_proba(self._project(views))


class LinearProbe(_ViewProbe):
    """Multinomial logistic regression on frozen features.

    Both published linear protocols are views of it:

    * `"mean"`: on the mean-pooled code (CPC v1);
    * `"locations"`: the code of every location through a batch norm without
      scale and a linear map, the logits averaged over the grid (CPC v2). All of
      this is linear, so the averaged logits are those of the averaged code; what
      stays of the batch norm is that each feature is scaled by its spread over
      single locations, in place of that over images.

    Args:
        strengths: Inverse regularisation strengths to try, `C` of scikit-learn.
        folds: Folds of the cross-validation inside the labelled subset; fewer
            if a class has fewer labels, or if there are many labels.
        seed: Seed of the folds.
        views: The views to choose among; all that are there if `None`.

    Reference:
        van den Oord et al. 2018, arXiv 1807.03748; Hénaff et al. 2019, arXiv
        1905.09272, linear classification.

    Example:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1], 20)
    >>> views = {"mean": rng.normal(size=(40, 8)) + 3 * labels[:, None]}
    >>> float(LinearProbe().fit(views, labels).score(views, labels))
    1.0
    """

    _setting_name = "C"

    def __init__(self, strengths=(1e-3, 1e-2, 1e-1, 1.0), folds=5, seed=0, views=None):
        self.strengths = strengths
        self.folds = folds
        self.seed = seed
        self.views = views

    def affine(self, classes):
        """The same classifier as one linear layer on the raw features of the view that was chosen.

        Args:
            classes: Number of classes; those that `fit` did not see get no
                likelihood to speak of.

        Returns:
            `(kernel [D, classes], bias [classes])`: their softmax is
            `predict_proba`.
        """
        rows, intercepts = self.classifier_.coef_, self.classifier_.intercept_
        if len(self.classes_) == 2 and len(rows) == 1:
            rows, intercepts = np.concatenate([-rows / 2, rows / 2]), np.concatenate([-intercepts / 2, intercepts / 2])
        columns = rows.T if self.basis_ is None else self.basis_ @ rows.T
        mean, deviation = self.scaling_[self.selected_["view"]]
        kernel = np.zeros((len(columns), classes))
        kernel[:, self.classes_] = columns / deviation[:, None]
        bias = np.full(classes, -_UNSEEN)
        bias[self.classes_] = intercepts - (mean / deviation + self.centre_) @ columns
        return kernel, bias

    def _settings(self, learnt):
        return self.strengths

    def _classifier(self, setting):
        return LogisticRegression(C=setting, max_iter=200, class_weight="balanced")


class KNNProbe(_ViewProbe):
    """Nearest neighbours by cosine on frozen features.

    Args:
        neighbours: Numbers of neighbours to try.
        folds: As for `LinearProbe`.
        seed: Seed of the folds.
        views: As for `LinearProbe`.

    Example:

    >>> import numpy as np
    >>> labels = np.repeat([0, 1], 10)
    >>> views = {"mean": np.eye(2)[labels] + 0.01 * np.arange(20)[:, None]}
    >>> float(KNNProbe().fit(views, labels).score(views, labels))
    1.0
    """

    _setting_name = "neighbours"

    def __init__(self, neighbours=(1, 3, 5, 10, 20), folds=5, seed=0, views=None):
        self.neighbours = neighbours
        self.folds = folds
        self.seed = seed
        self.views = views

    def _settings(self, learnt):
        # In the smallest training fold every setting must find its neighbours.
        return [k for k in self.neighbours if k <= learnt] or [1]

    def _classifier(self, setting):
        return _BalancedNeighbours(setting, metric="cosine", weights="distance")


class _BalancedNeighbours(KNeighborsClassifier):
    """Votes of the neighbours, each divided by the size of its class."""

    def fit(self, X, y):  # noqa: N803  (scikit-learn's name)
        super().fit(X, y)
        self.class_shares_ = np.unique(y, return_counts=True)[1] / len(y)
        return self

    def predict_proba(self, X):  # noqa: N803
        votes = super().predict_proba(X) / self.class_shares_
        return votes / votes.sum(axis=1, keepdims=True)

    def predict(self, X):  # noqa: N803
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def moments(views, name):
    """`(mean, deviation)` of each feature of a view, over images or, where the view has a square, over locations.

    Args:
        views: Dictionary from view to float array `[N, D_view]`.
        name: The view.
    """
    values, square = views[name], views.get(f"{name}{SQUARE}")
    mean = values.mean(axis=0)
    if square is None:
        return mean, values.std(axis=0) + _EPSILON
    return mean, np.sqrt(np.maximum(square.mean(axis=0) - mean**2, 0.0)) + _EPSILON


def _reduce(features):
    """Rotates features into the space that they span, where there are few.

    Neither logistic regression with a quadratic penalty nor distances change
    under a rotation, and with few labels the space is small: the fit takes
    milliseconds, the result is the same.

    Returns:
        `(coordinates [N, r], basis [D, r] or None, centre [D])`.
    """
    centre = features.mean(axis=0)
    features = features - centre
    if len(features) > _SPANNED or len(features) >= features.shape[1]:
        return features, None, centre
    features = features.astype("float64")
    _, _, basis = np.linalg.svd(features, full_matrices=False)
    return features @ basis.T, basis.T, centre

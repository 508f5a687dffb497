"""Probes on frozen features, everything chosen inside the labelled subset."""

import dataclasses
import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from cpc_keras.evaluation import holdout
from cpc_keras.evaluation.features import SECOND_MOMENT
from cpc_keras.evaluation.scores import balanced_mean

_EPSILON = 1e-6
# Smallest probability a held-out label is taken to have; neighbours may give 0.
_FLOOR = 1e-2
# Bias, less so much, of a class that no label was seen of.
_UNSEEN = 20.0
# Up to so many labels one thread is faster than two.
_THREADED = 20_000
# Up to so many labels, features are rotated into the space that they span.
_SPANNED = 600


class PooledProbe(ClassifierMixin, BaseEstimator):
    """Standardises each pooling of the features and chooses pooling and setting by cross-validation.

    Classes count alike, however many labels each has. Subclasses have the arguments
    `folds`, `seed` and `poolings`, and give `_setting_name`, `_settings(count)` for
    so many labels to train on, and `_classifier(setting)`.
    """

    def fit(self, features, labels, unlabelled=None):
        """Chooses and fits.

        Args:
            features: Dictionary from pooling to float array `[N, D]`.
            labels: Integer array `[N]`.
            unlabelled: Features of further images, without labels, from which mean
                and deviation of each feature are taken; the labelled ones if
                `None`.

        Returns:
            Itself, with `classes_`, `selected_` (pooling and setting) and `trials_`
            (number of combinations tried).

        Raises:
            ValueError: If `features` has none of the poolings that the probe is for.
        """
        # On small matrices threads mostly wait for each other.
        with threadpool_limits(1 if len(labels) <= _THREADED else None):
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
        if splits:
            used, splits = holdout.among_used(splits)
            losses = {}
            for name in names:
                scaled = _reduce(self._scale(name, features[name][used]))[0]
                for setting in settings:
                    losses[name, setting] = self._loss(scaled, labels[used], setting, splits)
            pooling, setting = min(losses, key=lambda candidate: losses[candidate])
        else:
            pooling, setting = candidates[len(candidates) // 2]
        self.selected_ = {"pooling": pooling, self._setting_name: setting}
        scaled, self.basis_, self.center_ = _reduce(self._scale(pooling, features[pooling]))
        self.classifier_ = self._fitted(setting, scaled, labels)
        self.classes_ = self.classifier_.classes_
        return self

    def _loss(self, features, labels, setting, splits):
        """Mean loss on the held-out labels, classes alike."""
        parts = []
        for train, held_out in splits:
            fitted = self._fitted(setting, features[train], labels[train])
            parts.append((self._losses(fitted, features[held_out], labels[held_out]), labels[held_out]))
        losses, truth = (np.concatenate(part) for part in zip(*parts, strict=True))
        return balanced_mean(losses, truth)

    def _losses(self, fitted, features, labels):
        """Cross-entropy of each label: finer than the share of hits, which ties on few labels."""
        place = np.searchsorted(fitted.classes_, labels)
        probabilities = fitted.predict_proba(features)[np.arange(len(labels)), place]
        return -np.log(np.maximum(probabilities, _FLOOR))

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


class LinearProbe(PooledProbe):
    """Multinomial logistic regression on frozen features.

    Both published linear protocols are poolings of it:

    * `"mean"`: on the mean-pooled code (CPC v1);
    * `"locations"`: the code of every location through a batch norm without
      scale and a linear map, the logits averaged over the grid (CPC v2). All of
      this is linear, so the averaged logits are those of the averaged code; what
      stays of the batch norm is that each feature is scaled by its deviation over
      single locations, in place of that over images.

    Args:
        Cs: Values of `C` to try, scikit-learn's inverse strength of regularisation.
        folds: Folds of the cross-validation inside the labelled subset; fewer
            if a class has fewer labels, or if there are many labels.
        seed: Seed of the folds.
        poolings: Those to choose among; all that are there if `None`.

    Reference:
        van den Oord et al. 2018, arXiv 1807.03748; Hénaff et al. 2019, arXiv
        1905.09272, linear classification.

    Example:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1], 20)
    >>> features = {"mean": rng.normal(size=(40, 8)) + 3 * labels[:, None]}
    >>> float(LinearProbe().fit(features, labels).score(features, labels))
    1.0
    """

    _setting_name = "C"

    def __init__(self, Cs=(1e-3, 1e-2, 1e-1, 1.0), folds=5, seed=0, poolings=None):  # noqa: N803  (scikit-learn's name)
        self.Cs = Cs
        self.folds = folds
        self.seed = seed
        self.poolings = poolings

    def affine(self, classes):
        """The same classifier as one linear layer on the raw features of the pooling that was chosen.

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
        mean, deviation = self.scaling_[self.selected_["pooling"]]
        kernel = np.zeros((len(columns), classes))
        kernel[:, self.classes_] = columns / deviation[:, None]
        bias = np.full(classes, -_UNSEEN)
        bias[self.classes_] = intercepts - (mean / deviation + self.center_) @ columns
        return kernel, bias

    def _settings(self, count):
        return self.Cs

    def _classifier(self, setting):
        return LogisticRegression(C=setting, max_iter=200, class_weight="balanced")


class KNNProbe(PooledProbe):
    """Nearest neighbours by cosine on frozen features.

    Args:
        neighbors: Numbers of neighbours to try.
        folds: Folds of the cross-validation inside the labelled subset; fewer if a
            class has fewer labels, or if there are many labels.
        seed: Seed of the folds.
        poolings: Those to choose among; all that are there if `None`.

    Example:

    >>> import numpy as np
    >>> labels = np.repeat([0, 1], 10)
    >>> features = {"mean": np.eye(2)[labels] + 0.01 * np.arange(20)[:, None]}
    >>> float(KNNProbe().fit(features, labels).score(features, labels))
    1.0
    """

    _setting_name = "neighbors"

    def __init__(self, neighbors=(1, 3, 5, 10, 20), folds=5, seed=0, poolings=None):
        self.neighbors = neighbors
        self.folds = folds
        self.seed = seed
        self.poolings = poolings

    def _settings(self, count):
        # In the smallest training fold every setting must find its neighbours.
        return [k for k in self.neighbors if k <= count] or [1]

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

"""Probes on frozen features: logistic regression and nearest neighbours."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from cpc_keras.evaluation.pooled_probe import FLOOR, PooledProbe

# Where a fit ends. Against the library's 1e-4 it takes half the time, and figures on Fashion-MNIST move by a tenth of
# their deviation over label subsets.
_TOLERANCE = 1e-3
# Bias, less so much, of a class that no label was seen of.
_UNSEEN = 20.0


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

    def affine(self, classes, temperature=1.0):
        """The same classifier as one linear layer on the raw features of the pooling that was chosen.

        Args:
            classes: Number of classes; those that `fit` did not see get no
                likelihood to speak of.
            temperature: What logits are divided by.

        Returns:
            `(kernel [D, classes], bias [classes])`: their softmax is
            `predict_proba`, calibrated.
        """
        kernel, bias = as_affine(self.classifier_, self.classes_, classes, temperature)
        kernel = kernel if self.basis_ is None else self.basis_ @ kernel
        mean, deviation = self.scaling_[self.selected_["pooling"]]
        return kernel / deviation[:, None], bias - (mean / deviation + self.center_) @ kernel

    def _settings(self, count):
        return self.Cs

    def _classifier(self, setting):
        return LogisticRegression(C=setting, max_iter=200, tol=_TOLERANCE, class_weight="balanced")


def as_affine(classifier, known, classes, temperature=1.0):
    """A logistic regression as one linear layer on what it was fitted on.

    Args:
        classifier: A `sklearn.linear_model.LogisticRegression`.
        known: Integer array, what its classes are.
        classes: Number of all classes.
        temperature: What logits are divided by.

    Returns:
        `(kernel [D, classes], bias [classes])`; of classes that are not known the bias is
        so low that they get no likelihood to speak of.
    """
    rows, intercepts = classifier.coef_, classifier.intercept_
    if len(known) == 2 and len(rows) == 1:
        rows, intercepts = np.concatenate([-rows / 2, rows / 2]), np.concatenate([-intercepts / 2, intercepts / 2])
    kernel = np.zeros((rows.shape[1], classes))
    kernel[:, known] = rows.T / temperature
    bias = np.full(classes, -_UNSEEN)
    bias[known] = intercepts / temperature
    return kernel, bias


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
    floor = FLOOR  # neighbours may give 0

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

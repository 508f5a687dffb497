"""The nearest class mean, as in few-shot learning, shrunken towards the mean of all classes."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.extmath import softmax

from cpc_keras.evaluation.pooled_probe import PooledProbe


class PrototypeProbe(PooledProbe):
    """Takes an image for the class whose mean its features are nearest to.

    The mean of a few labels is uncertain, so that all means may be drawn towards
    their common mean; how far is chosen by cross-validation, like the pooling.

    Args:
        shrinkages: Shares of the way to the common mean to try, in `[0, 1)`.
        folds: Folds of the cross-validation inside the labelled subset; fewer if a
            class has fewer labels, or if there are many labels.
        seed: Seed of the folds.
        poolings: Those to choose among; all that are there if `None`.

    Reference:
        Snell et al. 2017, arXiv 1703.05175, equations 1 and 2 (prototypes and their
        softmax); after Tibshirani et al. 2002, "Diagnosis of multiple cancer types by
        shrunken centroids of gene expression" (shrinkage).

    Example:

    >>> labels = np.repeat([0, 1], 10)
    >>> features = {"mean": np.eye(2)[labels] + 0.01 * np.arange(20)[:, None]}
    >>> float(PrototypeProbe().fit(features, labels).score(features, labels))
    1.0
    """

    _setting_name = "shrinkage"

    def __init__(self, shrinkages=(0.0, 0.25, 0.5, 0.75), folds=5, seed=0, poolings=None):
        self.shrinkages = shrinkages
        self.folds = folds
        self.seed = seed
        self.poolings = poolings

    def _settings(self, count):
        return self.shrinkages

    def _classifier(self, setting):
        return _ShrunkenMeans(setting)


class _ShrunkenMeans(ClassifierMixin, BaseEstimator):
    """Distances to class means as logits, in units of how far these are from their common mean."""

    def __init__(self, shrinkage):
        self.shrinkage = shrinkage

    def fit(self, X, y):  # noqa: N803  (scikit-learn's name)
        self.classes_ = np.unique(y)
        means = np.stack([X[y == label].mean(axis=0) for label in self.classes_])  # [classes, D]
        common = means.mean(axis=0)
        self.prototypes_ = common + (1.0 - self.shrinkage) * (means - common)
        self.unit_ = np.mean(np.sum((means - common) ** 2, axis=1)) + np.finfo("float32").eps
        return self

    def predict_proba(self, X):  # noqa: N803
        # |x|² is the same for all classes.
        logits = 2.0 * X @ self.prototypes_.T - np.sum(self.prototypes_**2, axis=1)
        return softmax(logits / self.unit_)

    def predict(self, X):  # noqa: N803
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

"""A linear support vector machine on frozen features."""

import numpy as np
from sklearn.svm import LinearSVC
from sklearn.utils.extmath import softmax

from cpc_keras.evaluation.pooled_probe import PooledProbe


class SVMProbe(PooledProbe):
    """Linear support vector machine, one class against the others, by scikit-learn.

    Pooling and `C` are chosen by the hinge loss of held-out labels. What it gives as
    probabilities is a softmax of its margins: their order means something, their
    size does not.

    Args:
        Cs: Values of `C` to try, scikit-learn's inverse strength of regularisation.
        folds: Folds of the cross-validation inside the labelled subset; fewer if a
            class has fewer labels, or if there are many labels.
        seed: Seed of the folds.
        poolings: Those to choose among; all that are there if `None`.

    Reference:
        Fan et al. 2008, "LIBLINEAR: A library for large linear classification".

    Example:

    >>> labels = np.repeat([0, 1], 10)
    >>> features = {"mean": np.eye(2)[labels] + 0.01 * np.arange(20)[:, None]}
    >>> float(SVMProbe().fit(features, labels).score(features, labels))
    1.0
    """

    _setting_name = "C"

    def __init__(self, Cs=(1e-4, 1e-3, 1e-2, 1e-1), folds=5, seed=0, poolings=None):  # noqa: N803  (scikit-learn's name)
        self.Cs = Cs
        self.folds = folds
        self.seed = seed
        self.poolings = poolings

    def _settings(self, count):
        return self.Cs

    def _classifier(self, setting):
        return _Margins(C=setting, class_weight="balanced", random_state=self.seed)

    def _losses(self, fitted, features, labels):
        """How far each label's margin stays below 1 more than that of the best other class."""
        margins = fitted.margins(features)
        place = np.searchsorted(fitted.classes_, labels)
        rows = np.arange(len(labels))
        own = margins[rows, place]
        margins[rows, place] = -np.inf
        return np.maximum(0.0, 1.0 - own + margins.max(axis=1))


class _Margins(LinearSVC):
    """With a column a class, also of two."""

    def margins(self, X):  # noqa: N803  (scikit-learn's name)
        found = self.decision_function(X)
        return np.stack([-found, found], axis=1) if found.ndim == 1 else found

    def predict_proba(self, X):  # noqa: N803
        return softmax(self.margins(X))

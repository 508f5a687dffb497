"""A linear probe that also learns from images without labels: its probabilities, spread over a graph of neighbours."""

import dataclasses
import functools
import itertools

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from cpc_keras.evaluation import holdout
from cpc_keras.evaluation.pooled_probe import FLOOR, choose
from cpc_keras.evaluation.probes import LinearProbe, as_affine
from cpc_keras.graph.neighbors import nearest
from cpc_keras.graph.propagation import neighbor_weights, propagate, spread, transition_matrix, with_shares
from cpc_keras.graph.space import Space

# What the classes of the images without labels are taken to be like.
SHARES = ("free", "equal", "labels")
# Share of the neighbours, steps, and how much more the nearest count, where labels do not say otherwise.
_USUAL = (0.9, 20, 4.0)
# Up to so many images one thread fits the layer faster than two: 3,000 in a quarter of the time.
_THREADED = 5_000


class PropagatedProbe(ClassifierMixin, BaseEstimator):
    """Logistic regression that learns from a few labels and from what these tell of unlabelled images.

    A `LinearProbe` learns from the labels. What it says of the images without labels is
    spread over a graph on which each image has its ten nearest neighbours; labelled images
    stay what they are. A logistic regression learns from the classes that come out,
    weighted by their probabilities. In the end there is one linear layer, which
    classifies images that no graph has seen.

    Args:
        Cs: Values of `C` for the first probe to try.
        folds: Folds of the cross-validation inside the labelled subset, or a list of
            `(train, held_out)`, positions among the labels.
        seed: Seed of the folds.
        poolings: Those to choose among; all that are there if `None`.
        shares: How frequent classes are taken to be among the unlabelled images: `"equal"`,
            `"labels"` (as among the labels, where these were drawn at random from all
            images) or `"free"` (whatever comes out).
        by: What classifies new images: `"linear"`, the layer, or `"graph"`, their
            nearest neighbours on the graph.
        neighbors: Neighbours of each image on the graph.
        alphas: Shares of the neighbours to try, in `[0, 1]`.
        steps: Numbers of steps to try.
        strengths: How much more the nearest count, to try, see
            `cpc_keras.graph.propagation.neighbor_weights`.
        C: Inverse strength of regularisation of the layer; that it learns from thousands of
            images makes tenfold more as good.

    Attributes:
        floor: As of `cpc_keras.evaluation.pooled_probe.PooledProbe`.
        held_out_: `(positions [n], probabilities [n, classes])`: what was said of labels
            while they were hidden from probe, graph and layer; computed when it is asked for.

    Reference:
        Iscen et al. 2019, arXiv 1904.04717 (a classifier learns from labels that were spread
        on a graph, weighted by certainty); see `cpc_keras.graph.propagation.propagate`.

    Example:

    Two labels, and a hundred images without:

    >>> rng = np.random.default_rng(0)
    >>> def images(count):
    ...     labels = np.arange(count) % 2
    ...     return {"mean": rng.normal(size=(count, 4)) + 4 * labels[:, None]}, labels
    >>> (few, labels), (pool, _), (others, truth) = images(2), images(100), images(50)
    >>> float(PropagatedProbe().fit(few, labels, pool).score(others, truth))
    1.0
    """

    floor = FLOOR

    def __init__(
        self,
        Cs=(1e-3, 1e-2, 1e-1, 1.0),  # noqa: N803  (scikit-learn's name)
        folds=5,
        seed=0,
        poolings=None,
        shares="free",
        by="linear",
        neighbors=10,
        alphas=(0.5, 0.9),
        steps=(5, 20),
        strengths=(1.0, 4.0),
        C=0.01,  # noqa: N803
    ):
        self.Cs = Cs
        self.folds = folds
        self.seed = seed
        self.poolings = poolings
        self.shares = shares
        self.by = by
        self.neighbors = neighbors
        self.alphas = alphas
        self.steps = steps
        self.strengths = strengths
        self.C = C

    def fit(self, features, labels, unlabelled=None, scaling=None):
        """Chooses and fits.

        Args:
            features: Dictionary from pooling to float array `[N, D]`.
            labels: Integer array `[N]`.
            unlabelled: The same of the images to learn from that have no label, without
                those of `features`; none if `None`.
            scaling: Features of images from which mean and deviation of each feature are
                taken; all of these if `None`.

        Returns:
            Itself, with the attributes of `cpc_keras.evaluation.pooled_probe.PooledProbe`.
        """
        labels = np.asarray(labels)
        for name in ("held_out_", "_hidden"):  # of an earlier fit
            self.__dict__.pop(name, None)
        if unlabelled is None:
            unlabelled = {name: values[:0] for name, values in features.items()}
        scaling = (
            {name: np.concatenate([features[name], unlabelled[name]]) for name in features}
            if scaling is None
            else scaling
        )
        rule, splits = holdout.PROPAGATED, self.folds
        if isinstance(self.folds, int):
            rule = dataclasses.replace(rule, folds=self.folds)
            splits = rule.splits(labels, self.seed)
        first = LinearProbe(self.Cs, rule.folds, self.seed, self.poolings)
        self.linear_ = first.fit(features, labels, scaling)
        self.classes_ = first.classes_
        pooling = first.selected_["pooling"]
        everything = np.concatenate([features[pooling], unlabelled[pooling]])
        self.space_ = Space(seed=self.seed).fit(everything, first.scaling_[pooling])
        self.vectors_ = self.space_.vectors(everything)
        self.neighbors_ = nearest(self.space_.to_unit_length(self.vectors_), self.neighbors, seed=self.seed)
        known = np.eye(len(self.classes_), dtype="float32")[np.searchsorted(self.classes_, labels)]
        self._labelled, self._everything, self._known, self._splits = (features, labels), everything, known, splits
        alpha, steps, strength = self._setting = self._choose()
        self.trials_ = first.trials_ + (len(self._settings) if self._splits else 0)
        names = {"alpha": alpha, "steps": steps, "strength": strength, "shares": self.shares}
        self.selected_ = {**first.selected_, **names}
        self.spread_ = self._shared(propagate(self._graph(strength), self._said(first), known, alpha, steps))
        self.classifier_ = self._learnt(self.spread_)
        return self

    @property
    def _settings(self):
        return list(itertools.product(self.alphas, self.steps, self.strengths))

    def _graph(self, strength):
        positions, similarities = self.neighbors_
        return transition_matrix(positions, similarities, strength)

    def _said(self, probe):
        return probe.predict_proba({probe.selected_["pooling"]: self._everything}).astype("float32")

    def _shared(self, probabilities):
        count = len(self.classes_)
        shares = {"free": None, "equal": np.full(count, 1.0 / count), "labels": self._known.mean(axis=0)}
        return with_shares(probabilities, shares[self.shares])

    def _learnt(self, probabilities):
        """A logistic regression on classes as they came out, the surer the weightier."""
        with threadpool_limits(1 if len(self.vectors_) <= _THREADED else None):
            found = probabilities.argmax(axis=1)
            return LogisticRegression(C=self.C, max_iter=200, tol=1e-3, class_weight="balanced").fit(
                self.vectors_, found, sample_weight=probabilities.max(axis=1)
            )

    @functools.cached_property
    def _hidden(self):
        """`(start, known)` of all splits side by side: what probes of fewer labels say, and what these labels are."""
        (features, labels), starts, knowns = self._labelled, [], []
        for train, held_out in self._splits:
            probe = self.linear_.refitted({name: values[train] for name, values in features.items()}, labels[train])
            said = np.zeros((len(self._everything), len(self.classes_)), "float32")
            said[:, np.searchsorted(self.classes_, probe.classes_)] = self._said(probe)
            hidden = self._known.copy()
            hidden[held_out] = np.nan
            starts.append(said)
            knowns.append(hidden)
        return np.concatenate(starts, axis=1), np.concatenate(knowns, axis=1)

    def _choose(self):
        """The setting by labels that are hidden from the graph; the usual one where none can be."""
        usual = [one for one in self._settings if one == _USUAL]
        if len(self._settings) == 1 or not self._splits:
            return (usual or self._settings)[0]
        start, known_then = self._hidden
        truth, losses = self._known.argmax(axis=1), {}
        for strength in self.strengths:
            graph = self._graph(strength)
            for alpha in self.alphas:
                for step, now in zip(range(max(self.steps) + 1), spread(graph, start, known_then, alpha), strict=False):
                    if step in self.steps:
                        losses[alpha, step, strength] = self._loss(now, truth)
        return choose(losses, truth, usual)

    def _loss(self, spread_out, truth):
        """Cross-entropy of each label while it was hidden; NaN where it was not."""
        loss = np.full(len(truth), np.nan)
        for (_, held_out), part in zip(self._splits, np.split(spread_out, len(self._splits), axis=1), strict=True):
            probabilities = self._shared(part)[held_out, truth[held_out]]
            loss[held_out] = -np.log(np.maximum(probabilities, FLOOR))
        return loss

    @functools.cached_property
    def held_out_(self):
        if not self._splits:
            return np.empty(0, int), np.empty((0, len(self.classes_)))
        (start, known_then), (alpha, steps, strength) = self._hidden, self._setting
        spread_out = propagate(self._graph(strength), start, known_then, alpha, steps)
        places, probabilities = [], []
        for (_, held_out), part in zip(self._splits, np.split(spread_out, len(self._splits), axis=1), strict=True):
            part = self._shared(part)
            if self.by == "linear":
                part = self._of_classes(self._learnt(part), self.vectors_[: len(self._known)])
            places.append(held_out)
            probabilities.append(part[held_out])
        return np.concatenate(places), np.concatenate(probabilities)

    def _of_classes(self, classifier, vectors):
        """Probabilities with a column for every class, also for those that nothing came out as."""
        found = np.zeros((len(vectors), len(self.classes_)))
        found[:, classifier.classes_] = classifier.predict_proba(vectors)
        return found

    def predict_proba(self, features):
        """Probabilities, `[N, classes]`."""
        vectors = self.space_.vectors(features[self.selected_["pooling"]])
        if self.by == "linear":
            return self._of_classes(self.classifier_, vectors)
        known, asked = (self.space_.to_unit_length(one) for one in (self.vectors_, vectors))
        positions, similarities = nearest(known, self.neighbors, asked)
        weights = neighbor_weights(similarities, self.selected_["strength"])
        return np.einsum("nk,nkc->nc", weights, self.spread_[positions])

    def predict(self, features):
        """Class of each image, `[N]`."""
        return self.classes_[self.predict_proba(features).argmax(axis=1)]

    def affine(self, classes, temperature=1.0):
        """The layer on the raw features of the pooling that was chosen, see `LinearProbe.affine`."""
        kernel, bias = as_affine(self.classifier_, self.classes_[self.classifier_.classes_], classes, temperature)
        kernel = self.space_.basis @ kernel / self.space_.deviation[:, None]
        return kernel, bias - self.space_.mean @ kernel


def fixed_arguments(setting):
    """What a `PropagatedProbe` is given that is to choose nothing itself.

    Args:
        setting: A dictionary with `pooling`, `C`, `neighbors`, `alpha`, `steps`, `strength`
            and `layer_C`.

    Returns:
        A dictionary of its arguments.
    """
    return {
        "poolings": (setting["pooling"],),
        "Cs": (setting["C"],),
        "neighbors": setting["neighbors"],
        "alphas": (setting["alpha"],),
        "steps": (setting["steps"],),
        "strengths": (setting["strength"],),
        "C": setting["layer_C"],
    }

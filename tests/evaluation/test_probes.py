import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from cpc_keras.evaluation.probes import KNNProbe, LinearProbe
from cpc_keras.evaluation.scores import scores

PROBES = [LinearProbe, KNNProbe]


@pytest.fixture
def case():
    """Three classes: the view `good` tells them apart, `bad` is noise."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    centres = 2.0 * rng.normal(size=(3, 30))
    good = centres[labels] + rng.normal(size=(120, 30))
    views = {"bad": rng.normal(size=(120, 30)).astype("float32"), "good": good.astype("float32")}
    train = np.concatenate([np.flatnonzero(labels == c)[:8] for c in range(3)])
    return views, labels, train, np.setdiff1d(np.arange(120), train)


def part(views, positions):
    return {name: values[positions] for name, values in views.items()}


@pytest.mark.parametrize("probe", PROBES)
def test_chooses_the_view_that_tells_classes_apart(probe, case):
    views, labels, train, test = case
    fitted = probe(seed=0).fit(part(views, train), labels[train], unlabelled=views)
    assert fitted.selected_["view"] == "good"
    assert fitted.score(part(views, test), labels[test]) > 0.95
    probabilities = fitted.predict_proba(part(views, test))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert fitted.classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("probe", PROBES)
def test_sees_nothing_but_the_labelled_subset(probe, case):
    """Test images may be anything: choice and fit stay as they are."""
    views, labels, train, _ = case
    one = probe(seed=0).fit(part(views, train), labels[train])
    shuffled = np.random.default_rng(1).permutation(labels)
    shuffled[train] = labels[train]
    two = probe(seed=0).fit(part(views, train), shuffled[train])
    assert one.selected_ == two.selected_
    np.testing.assert_array_equal(one.predict_proba(views), two.predict_proba(views))


def test_rotation_into_the_span_changes_no_linear_fit(case):
    views, labels, train, test = case
    probe = LinearProbe(strengths=(0.1,)).fit({"good": views["good"][train]}, labels[train])
    mean, deviation = views["good"][train].mean(axis=0), views["good"][train].std(axis=0) + 1e-6
    direct = LogisticRegression(C=0.1, max_iter=2000, tol=1e-8)
    direct.fit((views["good"][train] - mean) / deviation, labels[train])
    expected = direct.predict_proba((views["good"][test] - mean) / deviation)
    np.testing.assert_allclose(probe.predict_proba({"good": views["good"][test]}), expected, atol=2e-3)


@pytest.mark.parametrize("probe", PROBES)
def test_one_label_a_class_is_enough_to_fit(probe, case):
    views, labels, _, test = case
    one_each = np.array([0, 40, 80])
    fitted = probe().fit(part(views, one_each), labels[one_each], unlabelled=views)
    assert set(fitted.predict(part(views, test))) <= {0, 1, 2}


@pytest.mark.parametrize("probe", PROBES)
def test_is_a_scikit_learn_estimator(probe):
    made = probe(folds=3, seed=7)
    assert clone(made).get_params() == made.get_params()
    assert made.get_params()["folds"] == 3


@pytest.mark.parametrize("probe", [LinearProbe(seed=3), KNNProbe(seed=3)])
def test_many_labels_are_judged_by_a_third_of_two_thousand(probe):
    rng = np.random.default_rng(0)
    labels = np.arange(3000) % 2
    views = {"telling": rng.normal(size=(3000, 4)) + 3 * labels[:, None], "noise": rng.normal(size=(3000, 4))}
    assert probe.fit(views, labels).selected_["view"] == "telling"
    assert probe.score(views, labels) > 0.99
    assert probe.trials_ > 2


def test_scores_of_a_known_case():
    labels = [0, 0, 0, 1]
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    figures = scores(labels, probabilities, [0, 1])
    assert figures == {"top1": 0.75, "top5": None, "balanced_accuracy": pytest.approx((2 / 3 + 1) / 2)}


def test_top5_counts_the_five_likeliest():
    probabilities = np.tile(np.arange(8.0) / 28, (8, 1))
    assert scores(np.arange(8), probabilities, np.arange(8))["top5"] == 5 / 8

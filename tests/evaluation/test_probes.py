import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from cpc_keras.evaluation import methods
from cpc_keras.evaluation.probes import LinearProbe
from cpc_keras.evaluation.scores import scores

# Those of every row of `METHODS`.
PROBES = list(dict.fromkeys(type(methods.METHODS[name].new_probe(0)) for name in methods.PROBES))


@pytest.fixture
def case():
    """Three classes: the pooling `good` tells them apart, `bad` is noise."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    centres = 2.0 * rng.normal(size=(3, 30))
    good = centres[labels] + rng.normal(size=(120, 30))
    features = {"bad": rng.normal(size=(120, 30)).astype("float32"), "good": good.astype("float32")}
    train = np.concatenate([np.flatnonzero(labels == c)[:8] for c in range(3)])
    return features, labels, train, np.setdiff1d(np.arange(120), train)


def part(features, positions):
    return {name: values[positions] for name, values in features.items()}


@pytest.mark.parametrize("probe", PROBES)
def test_chooses_the_pooling_that_tells_classes_apart(probe, case):
    features, labels, train, test = case
    fitted = probe(seed=0).fit(part(features, train), labels[train], unlabelled=features)
    assert fitted.selected_["pooling"] == "good"
    assert fitted.score(part(features, test), labels[test]) > 0.95
    probabilities = fitted.predict_proba(part(features, test))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert fitted.classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("probe", PROBES)
def test_sees_nothing_but_the_labelled_subset(probe, case):
    """Test images may be anything: choice and fit stay as they are."""
    features, labels, train, _ = case
    one = probe(seed=0).fit(part(features, train), labels[train])
    shuffled = np.random.default_rng(1).permutation(labels)
    shuffled[train] = labels[train]
    two = probe(seed=0).fit(part(features, train), shuffled[train])
    assert one.selected_ == two.selected_
    np.testing.assert_array_equal(one.predict_proba(features), two.predict_proba(features))


def test_the_same_search_is_made_once(case, monkeypatch):
    """Other labels, features or settings are another one."""
    features, labels, train, _ = case
    few, given, fitted = part(features, train), labels[train], []
    fit = LogisticRegression.fit
    monkeypatch.setattr(LogisticRegression, "fit", lambda *args: fitted.append(1) or fit(*args))

    def fits(probe, few, given):
        before = len(fitted)
        return probe.fit(few, given), len(fitted) - before

    first, searched = fits(LinearProbe(seed=3), few, given)
    again, counted = fits(LinearProbe(seed=3), few, given)
    assert searched > 100 and counted == 1
    assert again.selected_ == first.selected_
    np.testing.assert_array_equal(again.held_out_[1], first.held_out_[1])
    swapped = np.where(np.arange(24) == 0, 1, given)
    moved = {**few, "bad": few["bad"] + np.eye(24, 30)}
    for probe, some, truth in (
        (LinearProbe(seed=3), few, swapped),
        (LinearProbe(seed=3), moved, given),
        (LinearProbe(seed=4), few, given),
        (LinearProbe(seed=3, Cs=(1e-3, 1e-2, 1e-1)), few, given),
        (LinearProbe(seed=3, poolings=("good",)), few, given),
    ):
        assert fits(probe, some, truth)[1] > 10


def test_rotation_into_the_span_changes_no_linear_fit(case):
    features, labels, train, test = case
    probe = LinearProbe(Cs=(0.1,)).fit({"good": features["good"][train]}, labels[train])
    mean, deviation = features["good"][train].mean(axis=0), features["good"][train].std(axis=0) + 1e-6
    direct = LogisticRegression(C=0.1, max_iter=2000, tol=1e-8)
    direct.fit((features["good"][train] - mean) / deviation, labels[train])
    expected = direct.predict_proba((features["good"][test] - mean) / deviation)
    found = probe.predict_proba({"good": features["good"][test]})
    np.testing.assert_allclose(found, expected, atol=5e-3)  # a fit ends where its gradient is 1e-3


@pytest.mark.parametrize("probe", PROBES)
def test_one_label_a_class_is_enough_to_fit(probe, case):
    features, labels, _, test = case
    one_each = np.array([0, 40, 80])
    fitted = probe().fit(part(features, one_each), labels[one_each], unlabelled=features)
    assert set(fitted.predict(part(features, test))) <= {0, 1, 2}


@pytest.mark.parametrize("probe", PROBES)
def test_is_a_scikit_learn_estimator(probe):
    made = probe(folds=3, seed=7)
    assert clone(made).get_params() == made.get_params()
    assert made.get_params()["folds"] == 3


@pytest.mark.parametrize("probe", PROBES)
def test_of_many_labels_a_third_of_two_thousand_is_held_out(probe):
    rng = np.random.default_rng(0)
    labels = np.arange(3000) % 2
    features = {"telling": rng.normal(size=(3000, 4)) + 3 * labels[:, None], "noise": rng.normal(size=(3000, 4))}
    fitted = probe(seed=3).fit(features, labels)
    assert fitted.selected_["pooling"] == "telling"
    assert fitted.score(features, labels) > 0.99
    assert fitted.trials_ > 2


@pytest.mark.parametrize("probe", PROBES)
def test_a_rare_class_counts_as_much_as_a_common_one(probe):
    """Two classes that overlap, ten labels of one for a hundred of the other: both are found as often."""
    rng = np.random.default_rng(0)

    def drawn(*counts):
        labels = np.repeat([0, 1], counts)
        return {"p": rng.normal(size=(len(labels), 3)) + np.array([1.4, 0, 0]) * labels[:, None]}, labels

    features, labels = drawn(200, 20)
    others, truth = drawn(1000, 1000)
    predicted = probe().fit(features, labels, others).predict(others)
    recalls = [(predicted[truth == label] == label).mean() for label in (0, 1)]
    assert abs(recalls[0] - recalls[1]) < 0.35 and min(recalls) > 0.5


def test_scores_of_a_known_case():
    labels = [0, 0, 0, 1]
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    figures = scores(labels, probabilities, [0, 1])
    assert figures == {"top1": 0.75, "top5": None, "balanced_accuracy": pytest.approx((2 / 3 + 1) / 2)}


def test_top5_counts_the_five_likeliest():
    probabilities = np.tile(np.arange(8.0) / 28, (8, 1))
    assert scores(np.arange(8), probabilities, np.arange(8))["top5"] == 5 / 8


@pytest.mark.parametrize("probe", PROBES)
def test_with_one_label_a_class_the_usual_pooling_is_taken_wherever_it_stands(probe, case):
    features, labels, train, _ = case
    first = train[[0, 8, 16]]
    for names, usual in ((("bad", "grid3_map3", "good"), "grid3_map3"), (("bad", "good"), "bad")):
        given = {name: features.get(name, features["good"])[first] for name in names}
        fitted = probe(seed=0).fit(given, labels[first], unlabelled=given)
        assert (fitted.selected_["pooling"], fitted.trials_) == (usual, 1)


@pytest.mark.parametrize(("own", "other", "chosen"), [("good", "good", "grid3_map3"), ("bad", "good", "other")])
def test_the_usual_pooling_stays_unless_another_is_surely_better(own, other, chosen, case):
    features, labels, train, _ = case
    luck = 1e-3 * np.random.default_rng(1).normal(size=features[other].shape)
    given = {"other": (features[other] + luck)[train], "grid3_map3": features[own][train]}
    assert LinearProbe().fit(given, labels[train]).selected_["pooling"] == chosen

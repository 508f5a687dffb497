import numpy as np
import pytest
from sklearn.svm import LinearSVC

from cpc_keras.evaluation.svm import SVMProbe


@pytest.fixture(params=[2, 4])
def case(request):
    rng = np.random.default_rng(0)
    labels = np.arange(80) % request.param
    return rng.normal(size=(request.param, 12))[labels] * 2 + rng.normal(size=(80, 12)), labels


def test_is_scikit_learns_machine(case):
    values, labels = case
    probe = SVMProbe(Cs=(0.1,)).fit({"p": values}, labels)
    scaled = (values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6)
    peer = LinearSVC(C=0.1, class_weight="balanced", random_state=0).fit(scaled, labels)
    assert (probe.predict({"p": values}) == peer.predict(scaled)).mean() > 0.97
    probabilities = probe.predict_proba({"p": values})
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), probe.predict({"p": values}))


def test_held_out_margins_choose_c(case):
    values, labels = case
    probe = SVMProbe().fit({"p": values}, labels)
    assert probe.selected_["C"] in probe.Cs and probe.trials_ == 4
    fitted = probe._classifier(0.1).fit(values, labels)
    margins = fitted.margins(values)
    losses = probe._losses(fitted, values, labels)
    for row, label, loss in zip(margins, labels, losses, strict=True):
        assert loss == pytest.approx(max(0.0, 1.0 - row[label] + np.delete(row, label).max()))

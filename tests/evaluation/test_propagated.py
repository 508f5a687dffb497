import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import balanced_accuracy_score

from cpc_keras.data.budgets import Budget
from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.errors import InputError
from cpc_keras.evaluation.efficiency import label_efficiency
from cpc_keras.evaluation.encoders import pixels_encoder
from cpc_keras.evaluation.estimators import ProbeEstimator
from cpc_keras.evaluation.feature_store import FrozenFeatures
from cpc_keras.evaluation.probes import LinearProbe
from cpc_keras.evaluation.propagated import PropagatedProbe
from cpc_keras.progress import NoProgress


@pytest.fixture(scope="module")
def digits():
    """Scanned digits: 1,200 to learn from, 597 to test on."""
    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.data))
    values, labels = found.data[order].astype("float32"), found.target[order]
    return (values[:1200], labels[:1200]), (values[1200:], labels[1200:])


def drawn(labels, per_class, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(np.flatnonzero(labels == one))[:per_class] for one in range(10)])


def fitted(train, few, keep=None, **arguments):
    values, labels = train
    others = np.setdiff1d(np.arange(len(values)) if keep is None else keep, few)
    features = {"pixels": values[few]}
    return PropagatedProbe(**arguments).fit(features, labels[few], {"pixels": values[others]})


@pytest.mark.parametrize("by", ["linear", "graph"])
def test_images_without_labels_help(digits, by):
    train, (values, truth) = digits
    ahead = []
    for seed in range(5):
        few = drawn(train[1], 2, seed)
        probe = fitted(train, few, by=by)
        alone = LinearProbe().fit({"pixels": train[0][few]}, train[1][few], {"pixels": train[0]})
        ahead.append(probe.score({"pixels": values}, truth) - alone.score({"pixels": values}, truth))
    assert np.mean(ahead) > 0.05
    assert min(ahead) > 0


def test_uneven_classes_gain_too(digits):
    """Two of ten classes with a tenth of the images, labels drawn evenly."""
    train, (values, truth) = digits
    ahead = []
    for seed in range(4):
        few = drawn(train[1], 2, seed)
        rare = np.isin(train[1], (3, 7)) & (np.random.default_rng(seed).uniform(size=len(train[1])) > 0.1)
        rare[few] = False
        keep = np.flatnonzero(~rare)
        alone = LinearProbe().fit({"pixels": train[0][few]}, train[1][few], {"pixels": train[0][keep]})
        found, before = (
            balanced_accuracy_score(truth, probe.predict({"pixels": values}))
            for probe in (fitted(train, few, keep), alone)
        )
        ahead.append(found - before)
    assert np.mean(ahead) > 0.03
    assert min(ahead) > -0.02


def test_it_is_one_layer_in_the_end(digits):
    train, (values, _) = digits
    few = drawn(train[1], 2, 0)
    few = few[train[1][few] != 4]  # one of the classes was never seen
    probe = fitted(train, few)
    kernel, bias = probe.affine(10, temperature=2.0)
    logits = values @ kernel + bias
    said = probe.predict_proba({"pixels": values})
    assert probe.classes_.tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    softened = np.sqrt(said) / np.sqrt(said).sum(axis=1, keepdims=True)
    ours = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose((ours / ours.sum(axis=1, keepdims=True))[:, probe.classes_], softened, atol=1e-5)
    assert (ours / ours.sum(axis=1, keepdims=True))[:, 4].max() < 1e-3


def test_shares_are_what_they_are_asked_to_be(digits):
    train, _ = digits
    few = np.concatenate([drawn(train[1], 2, 0), np.flatnonzero(train[1] == 0)[:10]])
    few = np.unique(few)
    means = {shares: fitted(train, few, shares=shares).spread_.mean(axis=0) for shares in ("free", "equal", "labels")}
    assert np.ptp(means["equal"]) < np.ptp(means["free"])
    assert means["labels"].argmax() == 0
    assert means["labels"][0] > 1.5 * means["equal"][0]


def test_one_label_a_class_takes_the_usual_setting_and_holds_nothing_out(digits):
    train, (values, truth) = digits
    probe = fitted(train, drawn(train[1], 1, 0))
    assert {key: probe.selected_[key] for key in ("alpha", "steps", "strength")} == {
        "alpha": 0.9,
        "steps": 20,
        "strength": 4.0,
    }
    assert probe.trials_ == 1 and len(probe.held_out_[0]) == 0
    assert probe.score({"pixels": values}, truth) > 0.6


def test_labels_that_are_held_out_were_hidden(digits):
    """Wrong labels are not confirmed by themselves: those held out are judged by what others say."""
    train, _ = digits
    few = drawn(train[1], 6, 0)
    labels = train[1].copy()
    labels[few[:6]] = 5  # the six zeros are called fives
    probe = fitted((train[0], labels), few)
    places, said = probe.held_out_
    assert sorted(places) == list(range(60))
    rightly = (said.argmax(axis=1) == np.searchsorted(probe.classes_, labels[few][places])).mean()
    assert 0.7 < rightly < 0.99
    assert probe.trials_ > 8


def as_images(values, labels):
    names = tuple(map(str, range(10)))
    return from_arrays((values.reshape(-1, 8, 8, 1) / 16).astype("float32"), labels, names)


def test_a_copy_of_a_labelled_image_is_not_learnt_from_as_one_without_a_label(digits, tmp_path):
    """Labels of a file are cross-validated: what is tested may lie among the run's images too."""
    (values, labels), _ = digits
    data = LabelledImages(as_images(values[:60], labels[:60]), None, pool=as_images(values[40:300], labels[40:300]))
    encoder = pixels_encoder()
    features = FrozenFeatures(tmp_path, encoder.features, encoder.digest, data, 8)
    estimator = ProbeEstimator("propagated", encoder, features, data)
    (split, *_) = data.splits([Budget("fraction", 1.0)], 0)[Budget("fraction", 1.0)]
    estimator.prepare([split], NoProgress())
    assert len(split.pool) == 260
    assert len(estimator._pool(split, None)["pixels"]) == 240
    said = estimator.fit(split, 0).predict_proba(split)
    assert (said.argmax(axis=1) == labels[:60][split.test]).mean() > 0.6
    assert estimator.selected_["shares"] == "free"  # how labels of a file were drawn, nobody knows


def test_without_further_images_the_others_of_the_training_split_are_learnt_from(digits, tmp_path):
    data = LabelledImages(as_images(*digits[0]), as_images(*digits[1]))
    budgets = [Budget("per_class", 2), Budget("fraction", 0.1)]
    splits = {budget: split for budget, (split,) in data.splits(budgets, 0).items()}
    for split in splits.values():
        np.testing.assert_array_equal(np.union1d(split.train, split.pool), np.arange(1200))
        assert not set(split.train) & set(split.pool)
    assert [split.at_random for split in splits.values()] == [False, True]


def test_the_table_takes_it(digits):
    train, test = digits
    images, others = ((values.reshape(-1, 8, 8, 1) / 16).astype("float32") for values, _ in (train, test))
    encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    found = label_efficiency(
        encoder, (images, train[1]), (others, test[1]), (2,), methods=("linear", "propagated", "graph"), baselines=()
    )
    means = found.groupby("method")["top1"].mean()
    assert means["propagated"] > means["linear"] and means["graph"] > means["linear"]
    with pytest.raises(InputError, match="methods"):
        label_efficiency(encoder, (images, train[1]), methods=("spread",))

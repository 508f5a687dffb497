"""Searches inside a few labels, on pieces of real photographs."""

import keras
import keras_tuner
import numpy as np
import pytest

from cpc_keras.errors import InputError
from cpc_keras.evaluation.classifier import UNSEARCHED, NetworkClassifier
from cpc_keras.evaluation.methods import JOINT
from cpc_keras.models import ResNet
from cpc_keras.tuning import LabelFractionHyperModel
from cpc_keras.tuning.hypermodel import REGIMES
from cpc_keras.tuning.racing import BrokenOffError

HEAD = (1, 8, 2)
SUBSET = np.arange(20)
# Of those that learn from unlabelled images, too, one: they differ in terms of the loss alone.
TRIED = tuple(regime for regime in REGIMES if regime not in JOINT or regime == "vat_entropy")


@pytest.fixture(scope="module")
def labelled(photographs):
    """Sky 0, and 1 a flower in the shade; grey pieces of 16 px."""
    labels = np.arange(60) % 2
    corners = np.random.default_rng(0).integers(0, 400, (60, 2))
    pictures = [photographs[label][y : y + 16, x : x + 16] for label, (y, x) in zip(labels, corners, strict=True)]
    grey = np.stack(pictures).mean(axis=3, keepdims=True)
    grey[labels == 1] /= 2
    return grey.astype("uint8"), labels


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(1)
    return ResNet((8, 16), (1, 1), stem="small", input_shape=(None, None, 1))


def scores(tuner):
    return {key: (trial.score, trial.hyperparameters.values) for key, trial in tuner.oracle.trials.items()}


def searched(hypermodel, folder, kind=keras_tuner.RandomSearch, **kwargs):
    tuner = kind(hypermodel, objective=hypermodel.objective, seed=1, directory=str(folder), **kwargs)
    tuner.search(verbose=0)
    assert {trial.status for trial in tuner.oracle.trials.values()} == {"COMPLETED"}
    return tuner


@pytest.fixture(scope="module")
def kept(labelled, encoder, tmp_path_factory):
    """The folder of a search that is finished, and what it found."""
    folder = tmp_path_factory.mktemp("kept")
    hypermodel = LabelFractionHyperModel(encoder, labelled, subset=SUBSET, folder=folder)
    found = scores(searched(hypermodel, tmp_path_factory.mktemp("tuner"), max_trials=3))
    assert hypermodel.computed == 3
    return folder, found


@pytest.mark.slow
def test_wrong_labels_elsewhere_change_nothing(labelled, encoder, kept, tmp_path):
    images, labels = labelled
    _, found = kept
    assert len({score for score, _ in found.values()}) > 1
    wrong = labels.copy()
    wrong[20:] = 1 - wrong[20:]
    hypermodel = LabelFractionHyperModel(encoder, (images, wrong), subset=SUBSET)
    assert scores(searched(hypermodel, tmp_path / "wrong", max_trials=3)) == found
    wrong[:4] = 1 - wrong[:4]  # and those inside do
    hypermodel = LabelFractionHyperModel(encoder, (images, wrong), subset=SUBSET)
    (first,) = scores(searched(hypermodel, tmp_path / "inside", max_trials=1)).values()
    before = next(iter(found.values()))
    assert first[1] == before[1] and first[0] != before[0]


@pytest.mark.parametrize("regime", TRIED)
def test_no_other_label_reaches_a_trial(regime, labelled, encoder):
    """All that a trial is given: inputs and splits."""
    images, labels = labelled
    marked = labels.copy()
    marked[20:] = 7
    hypermodel = LabelFractionHyperModel(encoder, (images, marked), regime, subset=SUBSET, head_size=HEAD)
    np.testing.assert_array_equal(hypermodel._inputs.labels, labels[:20])
    assert max(max(*train, *held_out) for train, held_out in hypermodel._splits) == 19
    assert hypermodel.data.test is None


@pytest.fixture
def untrained(monkeypatch):
    """Networks of prepared predictions: the lower the rate, the less likely the truth. The rates that were asked."""
    rates = []

    def fit(self, inputs, setting, seed, share=1.0):
        rates.append(setting["learning_rate"])
        self.model_ = self.build_model({**UNSEARCHED, **setting})
        return self

    def predict_proba(self, inputs):
        truth = min(0.9, 0.6 + 0.1 * np.log10(rates[-1] / 2e-3))
        return np.where(np.eye(2)[inputs.labels] > 0, truth, 1 - truth)

    monkeypatch.setattr(NetworkClassifier, "fit", fit)
    monkeypatch.setattr(NetworkClassifier, "predict_proba", predict_proba)
    return rates


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (keras_tuner.RandomSearch, {"max_trials": 2}),
        (keras_tuner.BayesianOptimization, {"max_trials": 4, "num_initial_points": 2}),
        (keras_tuner.GridSearch, {"max_trials": 2}),
        (keras_tuner.Hyperband, {"max_epochs": 3}),
    ],
)
def test_every_tuner_searches_it(kind, arguments, labelled, encoder, tmp_path, untrained):
    hypermodel = LabelFractionHyperModel(encoder, labelled, labels_per_class=5, epochs=3)
    tuner = searched(hypermodel, tmp_path, kind, **arguments)
    assert len(tuner.oracle.trials) == arguments.get("max_trials", 6)
    assert hypermodel.computed > 1 and len(untrained) >= 10 + hypermodel.computed  # the default is tried in all folds
    assert hypermodel.setting(hypermodel.best(tuner))["learning_rate"] >= 2e-3
    assert isinstance(tuner.get_best_models()[0], keras.Model)


@pytest.mark.slow
def test_what_a_search_is_left_with_is_trained_and_classifies(labelled, encoder, tmp_path):
    images, labels = labelled
    hypermodel = LabelFractionHyperModel(encoder, labelled, labels_per_class=5, epochs=3)
    tuner = searched(hypermodel, tmp_path, keras_tuner.RandomSearch, max_trials=2)
    found = hypermodel.refit(hypermodel.best(tuner)).predict_proba(hypermodel.inputs(images)).argmax(axis=1)
    assert (found == labels).mean() > 0.7


@pytest.mark.parametrize("regime", TRIED)
def test_every_regime_is_searched(regime, labelled, encoder, tmp_path, untrained):
    hypermodel = LabelFractionHyperModel(encoder, labelled, regime, labels_per_class=8, head_size=HEAD)
    tuner = searched(hypermodel, tmp_path, max_trials=1)
    assert tuner.get_best_models()[0].output_shape == (None, 2)


@pytest.mark.slow
@pytest.mark.parametrize("regime", TRIED)
def test_every_regime_learns(regime, labelled, encoder):
    hypermodel = LabelFractionHyperModel(encoder, labelled, regime, labels_per_class=8, head_size=HEAD)
    hypermodel._splits = hypermodel._splits[:5]  # each label is held out once
    default = keras_tuner.HyperParameters()
    model = hypermodel.build(default)
    before = model.get_weights()
    figures = hypermodel.fit(default, model)
    assert figures["balanced_accuracy"] > 0.8
    assert figures["score"] == pytest.approx(figures["balanced_accuracy"] + 0.1 * figures["log_likelihood"])
    # What a tuner keeps of the trial is what was trained.
    assert any((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))


@pytest.mark.slow
def test_frozen_stacks_stay_as_they_are(labelled, encoder):
    hypermodel = LabelFractionHyperModel(encoder, labelled, "finetune", labels_per_class=5, head_size=HEAD)
    hp = keras_tuner.HyperParameters()
    hypermodel.build(hp)
    hp.values["frozen_stacks"] = 1
    model = hypermodel.refit(hp).model_
    backbone = next(layer for layer in model.layers if layer.name == encoder.name)
    pairs = zip(backbone.weights, encoder.weights, strict=True)
    changed = {new.path.split("/")[-2].split("_")[0] for new, old in pairs if np.abs(new - old).max() > 0}
    assert changed == {"stack2", "post"}


@pytest.mark.slow
def test_a_setting_is_tried_once(labelled, encoder, kept, tmp_path, monkeypatch):
    folder, found = kept
    again = LabelFractionHyperModel(encoder, labelled, subset=SUBSET, folder=folder)
    monkeypatch.setattr(again, "held_out_predictions", None)  # it would break off
    assert scores(searched(again, tmp_path, max_trials=3)) == found
    assert again.computed == 0


def test_what_diverges_is_the_worst_not_the_end(labelled, encoder, monkeypatch):
    hypermodel = LabelFractionHyperModel(encoder, labelled, subset=SUBSET)
    predictions = [(SUBSET, np.full((20, 2), np.nan))]
    monkeypatch.setattr(hypermodel, "held_out_predictions", lambda setting, share: (predictions, None))
    hp = keras_tuner.HyperParameters()
    assert hypermodel.fit(hp, hypermodel.build(hp))["score"] == -2.0


def test_what_falls_behind_is_not_trained_for_the_other_folds(labelled, encoder, untrained):
    hypermodel = LabelFractionHyperModel(encoder, labelled, subset=SUBSET)
    hp = keras_tuner.HyperParameters()
    hypermodel.build(hp)
    hp.values.update(rate=0.1, step_multiplier=0.25, dropout=0.7)
    figures = hypermodel.fit(hp, hypermodel.build(hp))
    default, slow = (untrained.count(rate) for rate in (2e-3, 2e-3 * 0.1))
    assert default == len(hypermodel._splits) == 10
    assert 1 <= slow < 10
    assert figures["score"] < hypermodel.figures(keras_tuner.HyperParameters())["score"]


def test_what_is_no_matter_of_the_setting_ends_the_search(labelled, encoder, tmp_path, monkeypatch):
    def full(setting, share):
        raise OSError("No space left on device")

    hypermodel = LabelFractionHyperModel(encoder, labelled, subset=SUBSET)
    monkeypatch.setattr(hypermodel, "held_out_predictions", full)
    tuner = keras_tuner.RandomSearch(hypermodel, objective=hypermodel.objective, directory=str(tmp_path), seed=1)
    with pytest.raises(BrokenOffError) as caught:
        tuner.search(verbose=0)
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(keras_tuner.errors.FatalError, match="`epochs` must lie in .1, 27., the hypermodel's"):
        hypermodel.fit(keras_tuner.HyperParameters(), None, epochs=100)


@pytest.mark.slow
def test_classifiers_are_trained_anew(labelled, encoder):
    hypermodel = LabelFractionHyperModel(encoder, labelled, subset=SUBSET)
    hp = keras_tuner.HyperParameters()
    first = hypermodel.refit(hp)
    inputs = hypermodel.inputs(labelled[0])
    before = first.predict_proba(inputs)
    hp.values["rate"] = 0.1
    other = hypermodel.refit(hp).predict_proba(inputs)
    np.testing.assert_array_equal(first.predict_proba(inputs), before)
    assert np.abs(other - before).max() > 1e-3


@pytest.mark.parametrize(
    ("regime", "each", "folds"), [("linear", 150, 5), ("supervised", 100, 5), ("supervised", 150, 3)]
)
def test_every_label_is_held_out_for_networks_too(regime, each, folds, encoder):
    """By a third of 600 labels, the best of many settings was 4 points worse than the default."""
    labels = np.arange(2 * each) % 2
    images = np.zeros((2 * each, 16, 16, 1), "uint8")
    hypermodel = LabelFractionHyperModel(encoder, (images, labels), regime, labels_per_class=each, head_size=HEAD)
    assert len(hypermodel._splits) == folds
    assert sorted(position for _, held_out in hypermodel._splits for position in held_out) == list(range(2 * each))


def longest_of(hypermodel):
    hp = keras_tuner.HyperParameters()
    hypermodel.setting(hp)
    (space,) = (one for one in hp.space if one.name == "step_multiplier")
    return space.max_value


@pytest.mark.parametrize(
    ("regime", "count", "held_out", "train", "share", "longest"),
    [
        ("linear", 4200, [1400], 2800, 1.0, 2.0),
        ("resnet", 4200, [2000], 1000, 0.5, 1.0),
        ("supervised", 4200, [2000], 1000, 0.5, 1.0),
        ("supervised", 300, [100] * 3, 200, 0.5, 1.0),
        ("supervised", 200, [40] * 5, 160, 0.25, 1.0),
        ("linear", 300, [60] * 5, 240, 1.0, 2.0),
    ],
)
def test_what_trials_are_trained_and_tested_on(regime, count, held_out, train, share, longest, encoder, monkeypatch):
    labels = np.arange(count) % 2
    images = np.zeros((count, 8, 8, 1), "uint8")
    hypermodel = LabelFractionHyperModel(encoder, (images, labels), regime, fraction=1.0, head_size=HEAD)
    asked = []

    def fit(classifier, inputs, setting, seed, share):
        asked.append((len(inputs.labels), share))
        return classifier

    monkeypatch.setattr(NetworkClassifier, "fit", fit)
    monkeypatch.setattr(NetworkClassifier, "predict_proba", lambda _, inputs: np.zeros((len(inputs.labels), 2)))
    predictions, _ = hypermodel.held_out_predictions(hypermodel.setting(keras_tuner.HyperParameters()), 1.0)
    assert [len(positions) for positions, _ in predictions] == held_out
    assert asked == [(train, share)] * len(held_out)
    # A part of the steps does not tell what more than the usual number would do.
    assert longest_of(hypermodel) == longest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"regime": "frozen", "labels_per_class": 2}, "`regime` must be one of linear, finetune, resnet, supervised"),
        ({}, "one of them. Received: labels_per_class=None, fraction=None, no subset"),
        ({"labels_per_class": 2, "fraction": 0.5}, "Received: labels_per_class=2, fraction=0.5"),
        ({"subset": [3, 99]}, "`subset` must be positions of images, from 0 to 59. Received: 2, from 3 to 99"),
        ({"labels_per_class": 1}, "two classes of two labels each, or more, to hold some of them out"),
        ({"labels_per_class": 31}, "`labels_per_class` must lie in [1, 30]"),
    ],
)
def test_wrong_arguments_are_named(arguments, words, labelled, encoder):
    with pytest.raises(InputError) as caught:
        LabelFractionHyperModel(encoder, labelled, **arguments)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_networks_need_an_encoder_of_maps(labelled):
    vectors = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Flatten()], name="vectors")
    with pytest.raises(InputError, match="`model` must be an encoder from images of any size to maps"):
        LabelFractionHyperModel(vectors, labelled, "finetune", labels_per_class=2)

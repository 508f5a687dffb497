"""What was searched or trained is not searched or trained again."""

import functools

import numpy as np
import pytest

from cpc_keras.data.budgets import Budget
from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.evaluation import holdout, networks
from cpc_keras.evaluation.classifier import SPACE, NetworkClassifier
from cpc_keras.evaluation.encoders import cpc_encoder, pixels_encoder
from cpc_keras.evaluation.networks import estimators
from cpc_keras.evaluation.results import LATER_FIELDS, EvaluationStore
from cpc_keras.evaluation.runner import Runner
from cpc_keras.evaluation.settings import TunedSetting
from cpc_keras.models import ClassifierHead
from tests.evaluation.small_evaluation import BUDGETS, PowerCutError, Spy, run_spy


@pytest.fixture
def many():
    labels = np.arange(8000) % 2
    images = from_arrays(np.zeros((8000, 2, 2, 1), "uint8"), labels)
    return LabelledImages(images, images)


def test_many_labels_search_the_first_of_them_once(many, tmp_path):
    """3,000 and 8,000 labels of a seed begin with the same 2,400, whose search serves both."""
    spy, records = run_spy(many, tmp_path, 10, 1500, 3000)
    assert sorted(spy.fitted) == [(20, 0), (20, 1), (3000, 0), (3000, 1), (6000, 0), (6000, 1)]
    assert sorted(spy.searched_labels) == [(20, 0), (20, 1), (2400, 0), (2400, 1)]
    assert records[1500]["selected"] == records[3000]["selected"] == {"of": 2400, "seed": 0}
    assert records[3000]["trials"] == 3


def test_one_more_budget_computes_its_own_results_alone(many, tmp_path):
    run_spy(many, tmp_path / "one by one", 10, 1500)
    spy, records = run_spy(many, tmp_path / "one by one", 10, 60, 1500, 3000)
    assert sorted(spy.fitted) == [(120, 0), (120, 1), (6000, 0), (6000, 1)]
    assert sorted(spy.searched_labels) == [(120, 0), (120, 1)]  # those of 6,000 were searched for 3,000
    # Whatever else was asked for, and in whatever order, a result is the same.
    assert run_spy(many, tmp_path / "at once", 3000, 60, 10, 1500)[1] == records


@pytest.mark.slow
def test_one_more_budget_of_real_networks_computes_its_own_results_alone(small_cpc, photographs, tmp_path, monkeypatch):
    """Fine-tuning, with rules scaled down: a search looks at the first eight labels."""
    monkeypatch.setattr(holdout, "NETWORKS", holdout.Holdout(folds=2, single_above=6, most_train=2, most_held_out=2))
    monkeypatch.setattr(
        networks, "SPACE", {axis: values[:1] for axis, values in SPACE.items()} | {"dropout": (0.0, 0.5)}
    )
    labels = np.arange(48) % 2
    pieces = [photographs[label][8 * row : 8 * row + 28, :28].mean(axis=2) for row, label in enumerate(labels)]
    images = from_arrays(np.stack(pieces)[..., None].astype("uint8"), labels)
    data = LabelledImages(images, images)
    model = small_cpc()
    model.build((None, 28, 28, 1))
    searched = []
    search = NetworkClassifier.search

    def watched(classifier, inputs, *rest):
        searched.append(len(inputs.labels))
        return search(classifier, inputs, *rest)

    monkeypatch.setattr(NetworkClassifier, "search", watched)

    def run(folder, *labels_per_class):
        head = functools.partial(ClassifierHead, blocks=1, width=8, bottleneck=4)
        (finetune,) = estimators(cpc_encoder(model), ("finetune",), data, tmp_path / "features", 28, head)
        finetune.classifier.steps = lambda count: 3
        runner = Runner(data, [Budget("per_class", n) for n in labels_per_class], 1, EvaluationStore(folder))
        records = runner.run(finetune)
        return runner.computed, {key[0].amount: {**record, "seconds": 0.0} for key, record in records.items()}

    assert run(tmp_path / "grown", 2, 8)[0] == 2 and searched == [4, 8]
    assert run(tmp_path / "grown", 2, 8, 16)[0] == 1 and searched == [4, 8]  # its search was there
    assert run(tmp_path / "grown", 2, 4, 8, 16)[0] == 1 and searched == [4, 8]  # these eight labels are the same
    at_once, grown = run(tmp_path / "at once", 16, 8, 4, 2)[1], run(tmp_path / "grown", 2, 4, 8, 16)[1]
    for amount, record in grown.items():
        # Sums come in any order here, so that probabilities are the same but for roundings.
        measured = [[one[name] for name in LATER_FIELDS] for one in (at_once[amount], record)]
        assert measured[0] == pytest.approx(measured[1], abs=1e-5)
        assert {**at_once[amount], **dict.fromkeys(LATER_FIELDS)} == {**record, **dict.fromkeys(LATER_FIELDS)}


def test_interrupted_after_its_search_it_does_not_search_again(many, tmp_path, monkeypatch):
    with monkeypatch.context() as broken, pytest.raises(PowerCutError):
        broken.setattr(Spy, "predict_proba", lambda *_: (_ for _ in ()).throw(PowerCutError))
        run_spy(many, tmp_path, 10)
    spy, _ = run_spy(many, tmp_path, 10)
    assert spy.searched_labels == [(20, 1)] and len(spy.fitted) == 2


def test_a_subset_that_was_added_for_one_is_not_asked_of_others(many, tmp_path):
    runner = Runner(many, [Budget("per_class", 1500)], 1, EvaluationStore(tmp_path))
    asked = list(runner.splits)
    added = runner.add(Budget("per_class", 1200), 0)
    assert runner.add(Budget("per_class", 1500), 0) == asked[0]
    spy, other = Spy(), Spy("resnet")
    assert list(runner.run(spy, keys=asked)) == asked
    assert spy.fitted == [(3000, 0)]
    assert list(runner.run(other, keys=[added])) == [added]
    assert other.fitted == [(2400, 0)]


def test_the_same_setting_is_trained_once(data, tmp_path):
    runner = Runner(data, BUDGETS[:2], 1, EvaluationStore(tmp_path))
    spy, same = Spy(), Spy("resnet")
    (key, _) = runner.splits
    runner.run(spy, keys=[key])
    record = runner.run(same, keys=[key], same_setting=spy)[key]
    assert spy.fitted and not same.fitted and runner.computed == 1
    found = {record["method"]: (record, predicted) for record, predicted in runner.results.everything()}
    assert record == found["resnet"][0] == {**found["finetune"][0], "method": "resnet", "trials": 24, "seconds": 0.0}
    np.testing.assert_array_equal(found["finetune"][1], found["resnet"][1])
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    runner.run(same, same_setting=spy)  # elsewhere nothing was predicted yet, and here all was
    assert len(same.fitted) == 1 and runner.computed == 2
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_a_probe_whose_search_kept_the_default_is_not_fitted_again(data, tmp_path):
    runner = Runner(data, BUDGETS[1:2], 1, EvaluationStore(tmp_path / "cells"))
    setting = {
        "pooling": "pixels",
        "C": 0.1,
        "neighbors": 3,
        "alpha": 0.9,
        "steps": 5,
        "strength": 1.0,
        "layer_C": 0.01,
    }
    ((split, *_),) = runner.splits.values()
    subset = {"subset": data.subset_digest(split.train), "labels_per_class": 5}
    default, tuned = (
        networks.tuned_estimator(
            pixels_encoder(), TunedSetting("propagated", kind, trials=trials, **subset, **setting), data, tmp_path, 16
        )
        for kind, trials in (("default", 1), ("tuned", 30))
    )
    first, second = (
        next(iter(runner.run(one, same_setting=other).values())) for one, other in ((default, None), (tuned, default))
    )
    assert runner.computed == 1 and (first["trials"], second["trials"]) == (1, 30)
    assert second == {**first, "method": "propagated_tuned", "trials": 30, "seconds": 0.0}

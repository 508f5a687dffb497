"""Results are computed once, choices stay inside the labels, interruptions lose one result at most."""

import dataclasses
import functools
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from cpc_keras.data.budgets import Budget
from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.evaluation import holdout, networks
from cpc_keras.evaluation import runner as runner_module
from cpc_keras.evaluation.calibration import Calibration
from cpc_keras.evaluation.classifier import SPACE, NetworkClassifier
from cpc_keras.evaluation.encoders import cpc_encoder, pixels_encoder
from cpc_keras.evaluation.networks import estimators
from cpc_keras.evaluation.results import FIELDS, LATER_FIELDS, EvaluationStore, Results, known_records
from cpc_keras.evaluation.runner import Runner
from cpc_keras.evaluation.settings import TunedSetting
from cpc_keras.models import ClassifierHead
from cpc_keras.progress import NoProgress

BUDGETS = [Budget("per_class", 2), Budget("per_class", 5), Budget("fraction", 1.0)]


@pytest.fixture
def data(photographs):
    """Sky and flower, grey pieces of 16 px."""
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    images = []
    for label in labels:
        top, left = rng.integers(0, 400), rng.integers(0, 620)
        images.append(photographs[label][top : top + 16, left : left + 16].mean(axis=2, keepdims=True))
    pictures = np.stack(images).astype("uint8")
    return LabelledImages(from_arrays(pictures[:60], labels[:60]), from_arrays(pictures[60:], labels[60:]))


def probes(data, folder, methods=("linear", "knn")):
    return estimators(pixels_encoder(), methods, data, folder / "features", crop=16)


class PowerCutError(Exception):
    pass


def run_all(data, folder, cut_after=None):
    """A runner and its records; the power is cut after so many results."""
    runner = Runner(data, BUDGETS, 3, EvaluationStore(folder / "cells"))

    def save():
        if runner.computed == cut_after:
            raise PowerCutError

    for estimator in probes(data, folder):
        runner.run(estimator, save)
    return runner, [record for record, _ in runner.results.everything()]


def test_results_of_a_method_that_is_not_here_are_left_out_and_kept(data, tmp_path, capsys):
    """A branch that adds a method was tried on the run."""
    runner, records = run_all(data, tmp_path)
    record, predicted = runner.results.everything()[0]
    for seed in (0, 1):
        EvaluationStore(tmp_path / "cells").save(
            f"cosine-{seed}", "theirs", {**record, "method": "cosine", "seed": seed}, predicted
        )
    again = EvaluationStore(tmp_path / "cells")
    assert [one for one, _ in again.everything()] == records == known_records([*records, {"method": "cosine"}])
    said = capsys.readouterr().out
    assert "2 results of `cosine`, a method that this installation does not have, are left out" in said
    assert again.record("cosine-1", "theirs")["seed"] == 1


def test_every_result_is_there_in_the_tidy_order(data, tmp_path):
    runner, records = run_all(data, tmp_path)
    assert runner.computed == len(records) == 2 * (2 * 3 + 1)  # all labels are one subset
    assert all(tuple(record) == FIELDS for record in records)
    table = pd.DataFrame(records)
    assert table.groupby("method", sort=False).groups.keys() == {"linear", "knn"}
    assert table[table["fraction"] == 1.0]["labels"].unique().tolist() == [60]
    assert table["top5"].isna().all()  # two classes


def test_interrupted_and_run_again_it_ends_with_the_same_table(data, tmp_path):
    _, whole = run_all(data, tmp_path / "whole")
    with pytest.raises(PowerCutError):
        run_all(data, tmp_path / "cut", cut_after=5)
    finished = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cut" / "cells").glob("*.npz")}
    assert len(finished) == 5
    runner, resumed = run_all(data, tmp_path / "cut")
    assert runner.computed == len(whole) - 5
    for name, time in finished.items():
        assert (tmp_path / "cut" / "cells" / name).stat().st_mtime_ns == time
    drop = pd.DataFrame(whole).drop(columns="seconds"), pd.DataFrame(resumed).drop(columns="seconds")
    pd.testing.assert_frame_equal(*drop)


def test_other_labels_or_settings_are_other_results(data, tmp_path):
    run_all(data, tmp_path)
    again, _ = run_all(data, tmp_path)
    assert again.computed == 0
    relabelled = from_arrays(255 - np.stack([data.train.read(i) for i in range(60)]), data.train.labels)
    other, _ = run_all(LabelledImages(relabelled, data.test), tmp_path)
    assert other.computed == 14


class Spy:
    """Predicts at random, searches, and remembers what it was shown."""

    encoder_name, checkpoint, searches, trials = "cpc", 1, True, 24
    parts = 4
    calibration_ = Calibration()

    def __init__(self, name="finetune"):
        self.name = self.digest = name
        self.searcher = self
        self.searched_labels, self.fitted = [], []

    def prepare(self, splits, progress):
        pass

    def searched(self, split):
        return split.train[split.first_drawn(2, 2400)]

    def search(self, split, seed, progress):
        self.searched_labels.append((len(self.searched(split)), seed))
        return {"of": len(self.searched(split)), "seed": seed}, 3

    def fit(self, split, seed, found):
        self.fitted.append((len(split.train), seed))
        self.selected_, self.trials_ = found
        return self

    def predict_proba(self, split):
        return np.random.default_rng(len(split.train)).dirichlet(np.ones(2), len(split.test))


@pytest.fixture
def many():
    labels = np.arange(8000) % 2
    images = from_arrays(np.zeros((8000, 2, 2, 1), "uint8"), labels)
    return LabelledImages(images, images)


def run_spy(many, folder, *labels_per_class):
    spy = Spy()
    runner = Runner(many, [Budget("per_class", n) for n in labels_per_class], 2, EvaluationStore(folder))
    records = runner.run(spy)
    return spy, {key[0].amount: {**record, "seconds": 0.0} for key, record in records.items() if key[1] == 0}


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


def test_a_result_is_read_once_however_many_come_after(data, tmp_path, monkeypatch):
    store = EvaluationStore(tmp_path)
    runner = Runner(data, BUDGETS, 3, store)
    read = []
    load = np.load
    name = lambda file: str(getattr(file, "name", file))  # noqa: E731
    monkeypatch.setattr(np, "load", lambda file, **kwargs: read.append(name(file)) or load(file, **kwargs))
    (knn,) = probes(data, tmp_path / "f", ("knn",))
    runner.run(knn, save=store.everything)
    results = [path for path in read if path.startswith(str(tmp_path)) and path.endswith(".npz")]
    assert len(results) == len(set(results)) == 7
    # What another process has written since is seen all the same.
    Runner(data, BUDGETS[:1], 1, EvaluationStore(tmp_path)).run(Spy())
    assert {record["method"] for record, _ in store.everything()} == {"knn", "finetune"}


def test_cross_validated_figures_are_of_all_images(data, tmp_path):
    crossed = LabelledImages(data.train, None)
    runner = Runner(crossed, [Budget("per_class", 3)], 2, EvaluationStore(tmp_path / "cells"))
    (linear,) = probes(crossed, tmp_path, ("linear",))
    runner.run(linear)
    for record, predicted in runner.results.everything():
        assert len(predicted) == 60
        assert record["labels"] == 6 and record["split"] == "cross-validated, 5 folds of all"
        assert record["top1"] == pytest.approx(np.mean(predicted == crossed.train.labels))
        assert record["top1"] > 0.6


def test_labels_of_the_test_images_do_not_matter_to_what_is_said(data, tmp_path):
    _, honest = run_all(data, tmp_path / "one")
    wrong = from_arrays(np.stack([data.test.read(i) for i in range(20)]), 1 - data.test.labels)
    _, reversed_ = run_all(LabelledImages(data.train, wrong), tmp_path / "two")
    for one, two in zip(honest, reversed_, strict=True):
        assert one["selected"] == two["selected"]
        assert one["top1"] == pytest.approx(1 - two["top1"])


def test_a_result_says_what_its_probabilities_are_worth(data, tmp_path):
    """AUC, calibration and threshold, from a classifier fitted by hand on the same split."""
    runner = Runner(data, [Budget("per_class", 5)], 1, EvaluationStore(tmp_path / "cells"))
    (linear,) = probes(data, tmp_path, ("linear",))
    ((key, record),) = runner.run(linear).items()
    ((kept, arrays),) = runner.results.details()
    assert kept == record
    (split,) = runner.splits[key]
    said = linear.fit(split, 0).predict_proba(split)
    calibrated = linear.calibration_.applied(said)
    truth = data.test_labels
    assert record["auc"] == pytest.approx(roc_auc_score(truth, said[:, 1]))
    assert record["temperature"] == linear.calibration_.temperature != 1.0
    assert record["threshold"] == linear.calibration_.threshold and linear.calibration_.held_out == 10
    assert record["log_loss"] == pytest.approx(log_loss(truth, calibrated), abs=1e-4)
    assert record["log_loss_before"] == pytest.approx(log_loss(truth, said), abs=1e-4)
    np.testing.assert_array_equal(arrays["predicted"], said.argmax(axis=1))
    np.testing.assert_allclose(arrays["confidence"], calibrated.max(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(arrays["at_threshold"], calibrated[:, 1] >= record["threshold"])
    np.testing.assert_allclose(arrays["class_auc"], record["auc"], rtol=1e-6)


def test_with_one_label_a_class_probabilities_stay_as_they_are(data, tmp_path):
    runner = Runner(data, [Budget("per_class", 1)], 1, EvaluationStore(tmp_path / "cells"))
    for estimator in probes(data, tmp_path):
        (record,) = runner.run(estimator).values()
        assert (record["temperature"], record["threshold"]) == (1.0, 0.5)
        assert record["log_loss"] == record["log_loss_before"]


def test_calibration_sees_no_label_beyond_the_subset(data, tmp_path):
    """Of images that no classifier was given the labels are wrong: temperatures and thresholds are the same."""
    (_, honest), wrong = run_all(data, tmp_path / "one"), np.array(data.train.labels)
    split = data.splits([Budget("per_class", 5)], 0)[Budget("per_class", 5)][0]
    outside = np.setdiff1d(np.arange(60), split.train)
    (linear,) = probes(data, tmp_path / "f", ("linear",))
    linear.prepare([split], NoProgress())
    wrong[outside] = 1 - wrong[outside]
    expected = linear.fit(split, 0).calibration_
    linear.data = LabelledImages(dataclasses.replace(data.train, labels=wrong), data.test)
    found = linear.fit(split, 0).calibration_
    assert (found.temperature, found.threshold) == (expected.temperature, expected.threshold)
    (record,) = [r for r in honest if (r["method"], r["labels"], r["seed"]) == ("linear", 10, 0)]
    assert record["temperature"] == expected.temperature


def test_what_an_earlier_version_kept_is_read_and_not_computed_again(data, tmp_path):
    """It kept classes alone."""
    run_all(data, tmp_path)
    cells = tmp_path / "cells"
    for path in cells.glob("*.npz"):
        with np.load(path) as file:
            record = {k: v for k, v in json.loads(str(file["record"])).items() if k not in LATER_FIELDS}
            np.savez(path, digest=file["digest"], record=json.dumps(record), predicted=file["predicted"])
    again, records = run_all(data, tmp_path)
    assert again.computed == 0 and len(records) == 14
    assert all(tuple(record) == FIELDS and record["auc"] is None for record in records)
    assert [set(arrays) for _, arrays in again.results.details()] == [{"predicted"}] * 14
    summary = Results(again.results.everything(), data.test_labels).summary
    assert summary["auc"].isna().all() and summary["mean"].notna().all()


def test_a_result_weighs_little_however_many_classes_there_are(tmp_path):
    rng = np.random.default_rng(0)
    store = EvaluationStore(tmp_path)
    record = dict.fromkeys(FIELDS) | {"method": "linear", "encoder": "cpc", "selected": {}, "trials": 1, "labels": 9}
    record |= {"seed": 0, "top1": 0.5, "balanced_accuracy": 0.5}
    confidence, aucs = rng.uniform(size=10_000), rng.uniform(size=1000)
    store.save("one", "of these", record, rng.integers(1000, size=10_000), confidence, aucs)
    (path,) = tmp_path.glob("*.npz")
    assert path.stat().st_size < 100_000
    loaded, arrays = store.load("one", "of these")
    assert loaded == record
    np.testing.assert_allclose(arrays["confidence"], confidence, rtol=1e-6)


class Told(NoProgress):
    """Remembers what is said."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def test_figures_are_told_as_they_come_in(data, tmp_path, monkeypatch):
    told = Told()
    monkeypatch.setattr(runner_module, "_OFTEN", -1.0)
    runner = Runner(data, BUDGETS, 3, EvaluationStore(tmp_path / "cells"), told)
    (linear,) = probes(data, tmp_path, ["linear"])
    top1 = {(key[0].name, key[1]): record["top1"] for key, record in runner.run(linear).items()}

    def mean(budget, seeds):
        return f"{100 * np.mean([top1[budget, seed] for seed in range(seeds)]):.1f} %"

    assert len(told.lines) == 7
    assert told.lines[1] == f"raw pixels, linear probe: {mean('per_class-2', 2)} with 2 a class (2 of 3 subsets)."
    assert told.lines[3] == f"raw pixels, linear probe: {mean('per_class-5', 1)} with 5 a class (1 of 3 subsets)."
    assert told.lines[-1] == (
        f"raw pixels, linear probe: {mean('per_class-2', 3)} with 2 a class, {mean('per_class-5', 3)} with 5 a class, "
        f"{mean('fraction-1', 1)} with 100 % (60)."
    )
    runner.run(linear)
    assert len(told.lines) == 7  # nothing new

    monkeypatch.undo()
    (knn,) = probes(data, tmp_path, ["knn"])
    runner.run(knn)
    assert len(told.lines) == 8  # it was quick

    runner.rows = 4
    (prototype,) = probes(data, tmp_path, ["prototype"])
    runner.run(prototype)
    assert told.lines[-1].startswith("4/4 raw pixels, nearest class mean: ")

"""What a result says, and how it is kept."""

import dataclasses
import json

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from cpc_keras.data.budgets import Budget
from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.evaluation.results import FIELDS, LATER_FIELDS, EvaluationStore, Results, known_records
from cpc_keras.evaluation.runner import Runner
from cpc_keras.progress import NoProgress
from tests.evaluation.small_evaluation import BUDGETS, Spy, probes, run_all


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


def test_other_labels_or_settings_are_other_results(data, tmp_path):
    run_all(data, tmp_path)
    again, _ = run_all(data, tmp_path)
    assert again.computed == 0
    relabelled = from_arrays(255 - np.stack([data.train.read(i) for i in range(60)]), data.train.labels)
    other, _ = run_all(LabelledImages(relabelled, data.test), tmp_path)
    assert other.computed == 14


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

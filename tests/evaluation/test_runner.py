"""Results are computed once, choices stay inside the labels, interruptions lose one result at most."""

import functools

import numpy as np
import pandas as pd
import pytest

from cpc_keras.data.budgets import Budget
from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.evaluation import holdout, networks
from cpc_keras.evaluation.classifier import SPACE, NetworkClassifier
from cpc_keras.evaluation.encoders import cpc_encoder, pixels_encoder
from cpc_keras.evaluation.networks import estimators
from cpc_keras.evaluation.results import FIELDS, EvaluationStore
from cpc_keras.evaluation.runner import Runner
from cpc_keras.models import ClassifierHead

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

    def __init__(self, name="spy"):
        self.name = self.digest = name
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
    assert run(tmp_path / "at once", 16, 8, 4, 2)[1] == run(tmp_path / "grown", 2, 4, 8, 16)[1]


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
    spy, other = Spy(), Spy("other")
    assert list(runner.run(spy, keys=asked)) == asked
    assert spy.fitted == [(3000, 0)]
    assert list(runner.run(other, keys=[added])) == [added]
    assert other.fitted == [(2400, 0)]


def test_the_same_setting_is_trained_once(data, tmp_path):
    runner = Runner(data, BUDGETS[:2], 1, EvaluationStore(tmp_path))
    spy, same = Spy(), Spy("same")
    (key, _) = runner.splits
    runner.run(spy, keys=[key])
    record = runner.run(same, keys=[key], same_setting=spy)[key]
    assert spy.fitted and not same.fitted and runner.computed == 1
    found = {record["method"]: (record, predicted) for record, predicted in runner.results.everything()}
    assert record == found["same"][0] == {**found["spy"][0], "method": "same", "trials": 24, "seconds": 0.0}
    np.testing.assert_array_equal(found["spy"][1], found["same"][1])
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    runner.run(same, same_setting=spy)  # elsewhere nothing was predicted yet, and here all was
    assert len(same.fitted) == 1 and runner.computed == 2
    assert {path: path.stat().st_mtime_ns for path in written} == written


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
    assert {record["method"] for record, _ in store.everything()} == {"knn", "spy"}


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

"""Every result is computed, whatever interrupts it, and told as it comes in."""

import numpy as np
import pandas as pd
import pytest

from cpc_keras.data.budgets import Budget
from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.evaluation import runner as runner_module
from cpc_keras.evaluation.results import FIELDS, EvaluationStore
from cpc_keras.evaluation.runner import Runner
from cpc_keras.progress import NoProgress
from tests.evaluation.small_evaluation import BUDGETS, PowerCutError, probes, run_all


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

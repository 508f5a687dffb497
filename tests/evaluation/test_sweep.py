"""Cells are computed once, choices stay inside the labels, interruptions lose one cell at most."""

import numpy as np
import pandas as pd
import pytest

from cpc_keras.data.budgets import Budget
from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.evaluation.cells import FIELDS, Cells
from cpc_keras.evaluation.contestants import Answer
from cpc_keras.evaluation.entrants import pixels_entrant
from cpc_keras.evaluation.line_up import contestants
from cpc_keras.evaluation.sweep import Sweep

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
    return contestants(pixels_entrant(), methods, data, folder / "features", crop=16)


class PowerCutError(Exception):
    pass


def sweep_all(data, folder, cut_after=None):
    """The records of a sweep; the power is cut after so many cells."""
    sweep = Sweep(data, BUDGETS, 3, Cells(folder / "cells"))

    def save():
        if sweep.computed == cut_after:
            raise PowerCutError

    for contestant in probes(data, folder):
        sweep.run(contestant, save)
    return sweep, [record for record, _ in sweep.cells.everything()]


def test_every_cell_is_there_in_the_tidy_order(data, tmp_path):
    sweep, records = sweep_all(data, tmp_path)
    assert sweep.computed == len(records) == 2 * (2 * 3 + 1)  # all labels are one subset
    assert all(tuple(record) == FIELDS for record in records)
    table = pd.DataFrame(records)
    assert table.groupby("method", sort=False).groups.keys() == {"linear", "knn"}
    assert table[table["fraction"] == 1.0]["labels"].unique().tolist() == [60]
    assert table["top5"].isna().all()  # two classes


def test_interrupted_and_run_again_it_ends_with_the_same_table(data, tmp_path):
    _, whole = sweep_all(data, tmp_path / "whole")
    with pytest.raises(PowerCutError):
        sweep_all(data, tmp_path / "cut", cut_after=5)
    finished = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cut" / "cells").iterdir()}
    assert len(finished) == 5
    sweep, resumed = sweep_all(data, tmp_path / "cut")
    assert sweep.computed == len(whole) - 5
    for name, time in finished.items():
        assert (tmp_path / "cut" / "cells" / name).stat().st_mtime_ns == time
    drop = pd.DataFrame(whole).drop(columns="seconds"), pd.DataFrame(resumed).drop(columns="seconds")
    pd.testing.assert_frame_equal(*drop)


def test_other_labels_or_settings_are_other_cells(data, tmp_path):
    sweep_all(data, tmp_path)
    again, _ = sweep_all(data, tmp_path)
    assert again.computed == 0
    relabelled = from_arrays(255 - np.stack([data.train.read(i) for i in range(60)]), data.train.labels)
    other, _ = sweep_all(LabelledImages(relabelled, data.test), tmp_path)
    assert other.computed == 14


class Spy:
    """Answers at random and remembers what it was shown."""

    method, encoder, checkpoint, digest = "spy", "cpc", 1, "spy"
    inherits, parts = True, 1

    def __init__(self):
        self.shown = []

    def begin(self, rounds, progress):
        pass

    def answer(self, data, one, seed, chosen=None):
        self.shown.append((len(one.train), seed, chosen))
        probabilities = np.random.default_rng(seed).dirichlet(np.ones(2), len(one.test))
        return Answer(probabilities, {"of": len(one.train)}, 3)


def test_many_labels_keep_what_a_part_of_them_chose(tmp_path):
    """2,400 labels search for themselves; 3,000 that contain them do not search again."""
    labels = np.arange(4000) % 2
    images = from_arrays(np.zeros((4000, 2, 2, 1), "uint8"), labels)
    data = LabelledImages(images, images)
    spy = Spy()
    Sweep(data, [Budget("per_class", n) for n in (10, 1200, 1500)], 2, Cells(tmp_path)).run(spy)
    chosen = {(count, seed): what for count, seed, what in spy.shown}
    assert chosen[20, 0] is chosen[2400, 1] is None
    assert chosen[3000, 0] == chosen[3000, 1] == ({"of": 2400}, 3)
    # What was asked for beside it is a part of what a cell depends on; what is finished stays.
    for budgets, computed in (((10, 1200, 1500), 0), ((1500,), 2), ((1500,), 0), ((1200, 1500), 2)):
        sweep = Sweep(data, [Budget("per_class", n) for n in budgets], 2, Cells(tmp_path))
        sweep.run(Spy())
        assert sweep.computed == computed, budgets


def test_a_subset_of_one_contestant_is_no_others(tmp_path):
    """2,400 labels that were added for one contestant choose nothing for another that is asked at 3,000."""
    labels = np.arange(4000) % 2
    images = from_arrays(np.zeros((4000, 2, 2, 1), "uint8"), labels)
    sweep = Sweep(LabelledImages(images, images), [Budget("per_class", 1500)], 1, Cells(tmp_path))
    asked = list(sweep.rounds)
    added = sweep.add(Budget("per_class", 1200), 0)
    assert sweep.add(Budget("per_class", 1500), 0) == asked[0]
    spy, other = Spy(), Spy()
    assert list(sweep.run(spy, keys=asked)) == asked
    assert spy.shown == [(3000, 0, None)]
    other.method = "other"
    assert list(sweep.run(other, keys=[added])) == [added]
    assert other.shown == [(2400, 0, None)]


def test_what_learns_alike_is_trained_once(data, tmp_path):
    sweep = Sweep(data, BUDGETS[:2], 1, Cells(tmp_path))
    spy, twin = Spy(), Spy()
    twin.method, twin.digest, twin.trials = "twin", "twin", 24
    (key, _) = sweep.rounds
    sweep.run(spy, keys=[key])
    record = sweep.run(twin, keys=[key], twin=spy)[key]
    assert spy.shown and not twin.shown and sweep.computed == 1
    (first, answer), (second, same) = sweep.cells.everything()
    assert record == second == {**first, "method": "twin", "trials": 24, "seconds": 0.0}
    np.testing.assert_array_equal(answer, same)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    sweep.run(twin, twin=spy)  # elsewhere nothing was answered yet, and here all was
    assert len(twin.shown) == 1 and sweep.computed == 2
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_cross_validated_figures_are_of_all_images(data, tmp_path):
    crossed = LabelledImages(data.train, None)
    sweep = Sweep(crossed, [Budget("per_class", 3)], 2, Cells(tmp_path / "cells"))
    (linear,) = probes(crossed, tmp_path, ("linear",))
    sweep.run(linear)
    for record, predicted in sweep.cells.everything():
        assert len(predicted) == 60
        assert record["labels"] == 6 and record["split"] == "cross-validated, 5 folds of all"
        assert record["top1"] == pytest.approx(np.mean(predicted == crossed.train.labels))
        assert record["top1"] > 0.6


def test_labels_of_the_examined_images_do_not_matter_to_what_is_said(data, tmp_path):
    _, honest = sweep_all(data, tmp_path / "one")
    wrong = from_arrays(np.stack([data.test.read(i) for i in range(20)]), 1 - data.test.labels)
    _, reversed_ = sweep_all(LabelledImages(data.train, wrong), tmp_path / "two")
    for one, two in zip(honest, reversed_, strict=True):
        assert one["selected"] == two["selected"]
        assert one["top1"] == pytest.approx(1 - two["top1"])

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from cpc_keras.evaluation.intervals import bootstrap_means, summarise, worth


def record(**fields):
    plain = {"method": "linear", "encoder": "cpc", "checkpoint": 9, "labels": 50, "labels_per_class": 5}
    return {**plain, "fraction": None, "seed": 0, "top1": 0.5, "balanced_accuracy": 0.5, **fields}


def test_spread_is_that_of_a_binomial_where_subsets_agree():
    rng = np.random.default_rng(0)
    correct = np.repeat(rng.random((1, 400)) < 0.8, 3, axis=0)
    means = bootstrap_means(correct)
    assert means.mean() == pytest.approx(correct.mean(), abs=0.005)
    assert means.std() == pytest.approx(np.sqrt(0.8 * 0.2 / 400), rel=0.15)


def test_spread_counts_the_subsets_too():
    """Three subsets that differ by far more than the images explain."""
    correct = np.array([np.arange(10_000) < share * 10_000 for share in (0.5, 0.6, 0.7)])
    means = bootstrap_means(correct)
    assert means.std() == pytest.approx(np.std([0.5, 0.6, 0.7]) / np.sqrt(3), rel=0.1)


def test_the_same_draws_for_every_method():
    correct = np.random.default_rng(1).random((3, 200)) < 0.7
    better = correct.copy()
    better[:, :10] = True
    assert (bootstrap_means(better) >= bootstrap_means(correct)).all()


def test_summary_of_two_seeds_and_of_balanced_accuracy():
    labels = np.repeat([0, 1], [90, 10])
    predicted = [np.where(np.arange(100) < 80, labels, 0), np.where(np.arange(100) < 95, labels, 1 - labels)]
    cells = [
        (
            record(
                seed=seed,
                top1=float(np.mean(one == labels)),
                balanced_accuracy=float(balanced_accuracy_score(labels, one)),
            ),
            one,
        )
        for seed, one in enumerate(predicted)
    ]
    plain, balanced = (summarise(cells, labels, figure) for figure in ("top1", "balanced_accuracy"))
    assert plain["mean"].item() == pytest.approx((0.9 + 0.95) / 2)
    assert balanced["mean"].item() == pytest.approx((0.5 + 0.75) / 2)
    for table in (plain, balanced):
        row = table.iloc[0]
        assert row["low"] < row["mean"] < row["high"]
        assert (row["budget"], row["seeds"], row["lowest"] < row["highest"]) == ("5 a class", 2, True)


def test_checkpoints_and_budgets_are_rows_of_their_own():
    labels = np.array([0, 1, 0, 1])
    cells = [(record(checkpoint=step, labels=count), labels) for step in (1, 2) for count in (50, 100)]
    assert len(summarise(cells, labels)) == 4
    assert isinstance(summarise(cells, labels), pd.DataFrame)


def test_worth_by_hand():
    curve = [(10, 0.5), (100, 0.6), (1000, 0.8)]
    assert worth(0.7, 10, curve) == (pytest.approx(10**1.5), "equal")
    assert worth(0.6, 100, curve) == (pytest.approx(1.0), "equal")
    assert worth(0.55, 100, curve) == (pytest.approx(10**0.5 / 10), "equal")
    assert worth(0.85, 100, curve) == (10.0, "at least")
    assert worth(0.4, 10, curve) == (1.0, "at most")
    falling = [(10, 0.5), (100, 0.45), (1000, 0.8)]
    assert worth(0.5, 10, falling)[1] == "equal"

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from cpc_keras.evaluation.intervals import interval, mean_interval, worth
from cpc_keras.evaluation.results import Results


def record(**fields):
    plain = {"method": "linear", "encoder": "cpc", "checkpoint": 9, "labels": 50, "labels_per_class": 5}
    return {**plain, "fraction": None, "seed": 0, "top5": None, "top1": 0.5, "balanced_accuracy": 0.5, **fields}


def test_images_alone_give_the_binomial_interval():
    correct = np.repeat(np.random.default_rng(0).random((1, 400)) < 0.8, 3, axis=0)
    mean, low, high = mean_interval(correct)
    assert mean == correct.mean()
    assert high - mean == pytest.approx(1.96 * np.sqrt(mean * (1 - mean) / 400), rel=0.01)
    assert mean - low == pytest.approx(high - mean)


def test_the_interval_covers_the_mean_of_all_subsets_as_often_as_it_says():
    """Three subsets of very different luck, many images: Student's t, not the normal."""
    rng = np.random.default_rng(1)
    covered = []
    for accuracies in rng.normal(0.7, 0.05, (400, 3)):
        _, low, high = mean_interval(np.arange(1000) < 1000 * accuracies[:, None])
        covered.append(low <= 0.7 <= high)
    assert 0.92 < np.mean(covered) < 0.99


def test_subsets_and_images_add_up_as_independent_errors():
    """Three subsets with a deviation of 0.1: Student's t of two degrees of freedom, 4.303, over the root of three."""
    mean, _, high = mean_interval([[0.5], [0.6], [0.7]])
    assert (mean, high - mean) == pytest.approx((0.6, 4.3027 * 0.1 / np.sqrt(3)), rel=1e-4)
    assert interval(np.array([0.6]), 0.1)[2] == pytest.approx(0.6 + 1.96 * 0.1, rel=1e-4)
    both = interval(np.array([0.5, 0.6, 0.7]), 0.1)
    assert both[2] - both[0] == pytest.approx(np.hypot(high - mean, 1.96 * 0.1), rel=1e-4)


def balanced(labels, predicted):
    return float(balanced_accuracy_score(labels, predicted))


def test_summary_of_two_seeds_and_of_balanced_accuracy():
    labels = np.repeat([0, 1], [90, 10])
    predicted = [np.where(np.arange(100) < 80, labels, 0), np.where(np.arange(100) < 95, labels, 1 - labels)]
    results = [
        (record(seed=seed, top1=float(np.mean(one == labels)), balanced_accuracy=balanced(labels, one)), one)
        for seed, one in enumerate(predicted)
    ]
    plain, uneven = (Results(results, labels, figure).summary for figure in ("top1", "balanced_accuracy"))
    assert plain["mean"].item() == pytest.approx((0.9 + 0.95) / 2)
    assert uneven["mean"].item() == pytest.approx((0.5 + 0.75) / 2)
    assert (uneven["lowest"].item(), uneven["highest"].item()) == pytest.approx((0.5, 0.75))
    for table in (plain, uneven):
        row = table.iloc[0]
        assert row["low"] < row["mean"] < row["high"]
        assert (row["budget"], row["seeds"]) == ("5 a class", 2)


def test_one_subset_has_the_interval_of_the_images():
    labels = np.zeros(100, int)
    row = Results([(record(top1=0.9), (np.arange(100) >= 90).astype(int))], labels).summary.iloc[0]
    assert (row["lowest"], row["highest"]) == (row["low"], row["high"])
    assert row["low"] == pytest.approx(0.9 - 1.96 * np.sqrt(0.09 / 99), abs=1e-4)


def test_a_difference_is_paired():
    """Luck of the subset that both share cancels."""
    labels = np.zeros(1000, int)
    results = []
    for seed, right in enumerate((600, 700, 800)):
        for method, more in (("linear", 50), ("knn", 0)):
            results.append((record(method=method, seed=seed), (np.arange(1000) >= right + more).astype(int)))
    results = Results(results, labels)
    one, other = (row for _, row in results.summary.iterrows())
    ours, theirs, (mean, low, high) = results.compare(one, other)
    assert (ours, theirs, mean) == pytest.approx((0.75, 0.7, 0.05))
    assert low > 0 and high - low < 0.05
    assert one["low"] < other["high"]  # their own intervals overlap widely


def test_checkpoints_and_budgets_are_rows_of_their_own():
    labels = np.array([0, 1, 0, 1])
    results = [(record(checkpoint=step, labels=count), labels) for step in (1, 2) for count in (50, 100)]
    assert len(Results(results, labels).summary) == 4


def test_worth_by_hand():
    curve = [(10, 0.5), (100, 0.6), (1000, 0.8)]
    assert worth(0.7, 10, curve) == (pytest.approx(10**1.5), "equal")
    assert worth(0.6, 100, curve) == (pytest.approx(1.0), "equal")
    assert worth(0.55, 100, curve) == (pytest.approx(10**0.5 / 10), "equal")
    assert worth(0.85, 100, curve) == (10.0, "at least")
    assert worth(0.4, 10, curve) == (1.0, "at most")
    falling = [(10, 0.5), (100, 0.45), (1000, 0.8)]
    assert worth(0.5, 10, falling)[1] == "equal"

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from cpc_keras.data.budgets import Budget
from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.evaluation import chosen_labels
from cpc_keras.evaluation.chosen_labels import Chooser, chosen_budgets
from cpc_keras.evaluation.encoders import Encoder
from cpc_keras.evaluation.estimators import ProbeEstimator
from cpc_keras.evaluation.feature_store import FrozenFeatures
from cpc_keras.evaluation.results import EvaluationStore
from cpc_keras.evaluation.runner import Runner
from cpc_keras.progress import NoProgress


@pytest.fixture(scope="module")
def data():
    """Scanned digits: 700 to learn from, 300 to test on."""
    found = load_digits()
    images, names = (found.images[:1000, ..., None] / 16).astype("float32"), tuple(map(str, range(10)))
    parts = [from_arrays(images[part], found.target[:1000][part], names) for part in (slice(700), slice(700, None))]
    return LabelledImages(*parts)


def flat_features(images):
    """What an encoder of maps would give: the image averaged over 3 × 3 areas, twice."""
    pooled = keras.ops.convert_to_numpy(keras.ops.average_pool(images, 2, 2))
    flat = pooled.reshape(len(pooled), -1)
    return {"grid3": flat, "map3": flat**2}


@pytest.fixture
def encoder():
    return Encoder("cpc", 9, flat_features, "pooled")


def test_chosen_subsets_stand_beside_drawn_ones_and_are_chosen_once(data, encoder, tmp_path, monkeypatch):
    budgets = [Budget("per_class", 2), Budget("fraction", 0.1), Budget("fraction", 1.0)]
    everything = [*budgets, *chosen_budgets(budgets, "typical")]
    assert [one.name for one in everything[3:]] == ["per_class-2-typical", "fraction-0.1-typical"]
    data.choose = Chooser(encoder, data, 8, tmp_path / "features", tmp_path / "choices", NoProgress())
    runner = Runner(data, everything, 2, EvaluationStore(tmp_path / "cells"))
    by_budget = {key: split for key, (split,) in runner.splits.items()}
    for seed in range(2):
        drawn, chosen = by_budget[budgets[0], seed], by_budget[everything[3], seed]
        assert len(drawn.train) == len(chosen.train) == 20
        assert not np.array_equal(drawn.train, chosen.train)
        assert not set(chosen.train) & set(chosen.pool)
    assert by_budget[budgets[1], 0].at_random and not by_budget[everything[4], 0].at_random
    features = FrozenFeatures(tmp_path / "features", encoder.features, encoder.digest, data, 8)
    records = runner.run(ProbeEstimator("propagated", encoder, features, data)).values()
    means = {
        kind: np.mean([one["top1"] for one in records if (one["labels"], one["selection"]) == (20, kind)])
        for kind in (None, "typical")
    }
    assert min(means.values()) > 0.65  # which of them is ahead, two subsets do not tell
    monkeypatch.setattr(chosen_labels, "choose", None)  # whatever is chosen again fails
    data.choose = Chooser(encoder, data, 8, tmp_path / "features", tmp_path / "choices", NoProgress())
    again = Runner(data, everything, 2, EvaluationStore(tmp_path / "cells"))
    for key, (split,) in again.splits.items():
        np.testing.assert_array_equal(split.train, by_budget[key].train)


def test_without_someone_who_chooses_nothing_is_drawn_in_its_place(data):
    data.choose = None
    with pytest.raises(ValueError, match="`choose` must be set"):
        data.splits([Budget("per_class", 2, selection="typical")], 0)

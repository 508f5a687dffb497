import keras
import numpy as np
import pytest

from cpc_keras.evaluation.step_budget import StepBudget, kept_budget, make_budget
from cpc_keras.runs.folder import RunFolder


@pytest.fixture
def backbone():
    return keras.Sequential(
        [keras.Input((None, None, 1)), keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization(momentum=0.5)]
    )


def test_an_evaluation_that_goes_on_has_the_steps_that_it_began_with(backbone, tmp_path):
    folder = RunFolder(tmp_path)
    folder.evaluation.mkdir()
    before = backbone.get_weights()
    first = make_budget(folder, backbone, 8, 2)
    assert first.seconds_an_image > 0 and first.minutes == 2.0
    for was, now in zip(before, backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)  # batch norm has seen nothing
    assert make_budget(folder, backbone, 8, 2.0) == kept_budget(folder) == first
    assert make_budget(folder, backbone, 8, 3.0).minutes == 3.0
    assert make_budget(folder, backbone, 8, None).minutes is None
    assert kept_budget(folder) is None


def test_what_networks_take_is_said():
    budget = StepBudget(seconds_an_image=0.001, minutes=1.0)
    words = budget.words([("pseudo_label", 100), ("vat", 100)], 10)
    assert "2 networks learn from unlabelled images, too, about 1 min each on this machine (1,000 images/s" in words
    assert budget.seconds("vat", 10, 100) == pytest.approx(25 + 60, rel=0.02)
    assert StepBudget(0.001).seconds("vat", 10, 100) > 100
    assert "One network learns" in budget.words([("vat", 20)], 10)

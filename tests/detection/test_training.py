import os

import keras
import numpy as np
import pytest

from cpc_keras.config.detection_recipe import DetectionRecipe
from cpc_keras.detection.training import train_detector
from cpc_keras.errors import InputError
from cpc_keras.progress import NoProgress
from tests.detection.test_faster_rcnn import small_detector

RECIPE = DetectionRecipe(
    data="tfds:garments",
    short_side=None,
    scales=(1.0,),
    max_side=None,
    anchor_sizes=(12, 24),
    batch_size=4,
    checkpoint_every=5,
)


class Interrupted(NoProgress):
    """Stops everything after some steps."""

    def __init__(self, steps):
        self.left = steps

    def advance(self, count=1):
        self.left -= count
        if self.left <= 0:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_training_that_is_broken_off_goes_on_to_the_same_weights(boxed, tmp_path):
    def fresh():
        keras.utils.set_random_seed(0)
        return small_detector()

    whole, stopped = fresh(), fresh()
    train_detector(whole, boxed, RECIPE, steps=20)
    state = tmp_path / "state.npz"
    with pytest.raises(KeyboardInterrupt):
        train_detector(stopped, boxed, RECIPE, 20, state, Interrupted(13))
    assert state.is_file()
    again = fresh()
    train_detector(again, boxed, RECIPE, 20, state)
    assert os.listdir(tmp_path) == ["state.npz"], "until what was trained is safe"
    train_detector(again, boxed, RECIPE, 20, state)  # all steps are done
    for one, two in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_with_a_damaged_state_it_begins_anew(boxed, tmp_path, capsys):
    state = tmp_path / "state.npz"
    for damage in (lambda: state.write_bytes(b"PK nothing"), lambda: np.savez(state, 13, np.zeros(3))):
        damage()
        with pytest.raises(KeyboardInterrupt):
            train_detector(small_detector(), boxed, RECIPE, 20, state, Interrupted(1))
        assert f"Note: {state} cannot be read" in capsys.readouterr().out


@pytest.mark.slow
def test_a_loss_that_is_not_a_number_is_told(boxed):
    detector = small_detector()
    detector.rpn.kernel.assign(np.full(detector.rpn.kernel.shape, np.nan))
    with pytest.raises(
        InputError, match="`learning_rate` must be so small that losses stay numbers. Received: loss=nan"
    ):
        train_detector(detector, boxed, RECIPE, steps=3)

import os

import keras
import numpy as np
import pytest

from cpc_keras.data.boxed_images import BoxedImages
from cpc_keras.data.boxed_tiles import cut_tiles
from cpc_keras.data.boxes import make_boxes
from cpc_keras.data.image_set import from_arrays
from cpc_keras.detection.training import find_objects, put_together, train_detector
from cpc_keras.detection_recipe import DetectionRecipe
from cpc_keras.errors import InputError
from cpc_keras.progress import NoProgress
from tests.detection.test_faster_rcnn import scenes, small_detector

RECIPE = DetectionRecipe(
    data="tfds:garments",
    short_side=None,
    scales=(1.0,),
    max_side=None,
    anchor_sizes=(12, 24),
    batch_size=4,
    checkpoint_every=5,
)


@pytest.fixture(scope="module")
def boxed():
    images, labels = scenes()
    found = [
        make_boxes(boxes[classes >= 0], classes[classes >= 0])
        for boxes, classes in zip(labels["boxes"], labels["classes"], strict=True)
    ]
    return BoxedImages(from_arrays((255 * images).astype("uint8")), found, ("square", "frame"))


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
    assert os.listdir(tmp_path) == ["state.npz"], "until what it has learnt is safe"
    train_detector(again, boxed, RECIPE, 20, state)  # all steps are done
    for one, two in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_a_damaged_state_is_told(boxed, tmp_path):
    (tmp_path / "state.npz").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="The state of a training must be whole; delete it"):
        train_detector(small_detector(), boxed, RECIPE, 20, tmp_path / "state.npz")


@pytest.mark.slow
def test_a_loss_that_is_not_a_number_is_told(boxed):
    detector = small_detector()
    detector.rpn.kernel.assign(np.full(detector.rpn.kernel.shape, np.nan))
    with pytest.raises(
        InputError, match="`learning_rate` must be so small that losses stay numbers. Received: loss=nan"
    ):
        train_detector(detector, boxed, RECIPE, steps=3)


def test_boxes_are_found_where_the_image_has_them(boxed):
    """Whatever size the detector sees the image at."""
    detector = small_detector(score_threshold=0.0)
    whole, small = (find_objects(detector, boxed, side, batch_size=3) for side in (None, 24))
    assert len(whole) == len(small) == len(boxed)
    direct = detector(boxed.images.read(7)[None].astype("float32") / 255)
    np.testing.assert_allclose(whole[7]["boxes"], direct["boxes"][0][: int(direct["count"][0])], atol=1e-3)
    assert max(one["boxes"].max() for one in small) > 24
    assert max(one["boxes"].max() for one in small) <= 48


def test_what_tiles_find_is_put_together():
    """Each object once: whole where two tiles show it, and not the halves at inner edges."""
    rng = np.random.default_rng(0)
    corners = np.stack(np.meshgrid(np.arange(8), np.arange(8)), axis=-1).reshape(-1, 2) * 50.0
    boxes = np.concatenate([corners, corners + rng.uniform(15, 38, (64, 2))], axis=-1).astype("float32")
    truth = make_boxes(boxes, np.arange(64) % 2)
    image = np.zeros((1, 400, 400, 1), "uint8")
    tiles = cut_tiles(BoxedImages(from_arrays(image), [truth], ("a", "b")), 160, 40, least=0.05)
    found = [
        {"boxes": one.boxes, "scores": rng.uniform(0.5, 1.0, len(one)), "classes": one.classes}
        for one in tiles.boxed.boxes
    ]
    assert sum(len(one["scores"]) for one in found) > 100
    (together,) = put_together(tiles, found, [[400, 400]], 2, 0.5)
    order = np.lexsort(together["boxes"].T)
    np.testing.assert_allclose(together["boxes"][order], boxes[np.lexsort(boxes.T)], atol=1e-3)
    assert (np.sort(together["classes"]) == np.sort(truth.classes)).all()

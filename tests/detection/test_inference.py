import numpy as np

from cpc_keras.data.image_set import from_arrays
from cpc_keras.detection.data.boxed_images import BoxedImages
from cpc_keras.detection.data.boxes import make_boxes
from cpc_keras.detection.data.tiles import cut_tiles
from cpc_keras.detection.inference import find_objects, merge_tiles
from tests.detection.test_faster_rcnn import small_detector


def test_boxes_are_found_where_the_image_has_them(boxed):
    """Whatever size the detector sees the image at."""
    detector = small_detector(score_threshold=0.0)
    whole, small = (find_objects(detector, boxed, side, batch_size=3) for side in (None, 24))
    assert len(whole) == len(small) == len(boxed)
    direct = detector(boxed.images.read(7)[None].astype("float32") / 255)
    np.testing.assert_allclose(whole[7]["boxes"], direct["boxes"][0][: int(direct["count"][0])], atol=1e-3)
    assert max(one["boxes"].max() for one in small) > 24
    assert max(one["boxes"].max() for one in small) <= 48


def test_what_tiles_find_is_merge_tiles():
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
    (together,) = merge_tiles(tiles, found, [[400, 400]], 2, 0.5)
    order = np.lexsort(together["boxes"].T)
    np.testing.assert_allclose(together["boxes"][order], boxes[np.lexsort(boxes.T)], atol=1e-3)
    assert (np.sort(together["classes"]) == np.sort(truth.classes)).all()

import itertools

import numpy as np
import pytest
from PIL import Image

from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.sources import open_source
from cpc_keras.data.tiles import tile_starts
from cpc_keras.detection.data.boxed_images import BoxedImages
from cpc_keras.detection.data.boxes import areas, make_boxes
from cpc_keras.detection.data.tiles import cut_tiles
from cpc_keras.errors import InputError

RNG = np.random.default_rng(0)


@pytest.fixture
def scene(photographs):
    corners = RNG.uniform(0, 380, (40, 2))
    boxes = np.concatenate([corners, corners + RNG.uniform(8, 40, (40, 2))], axis=-1)
    image = photographs[0][:427, :427]
    return BoxedImages(from_arrays(image[None]), [make_boxes(boxes, np.arange(40))], tuple(map(str, range(40))))


@pytest.mark.parametrize(("length", "side", "overlap"), [(427, 100, 0), (427, 100, 40), (300, 100, 50), (90, 100, 10)])
def test_tiles_cover_a_side_evenly(length, side, overlap):
    starts = tile_starts(length, side, overlap)
    assert starts[0] == 0
    assert starts[-1] == max(0, length - side)
    gaps = np.diff(starts)
    assert (gaps <= side - overlap).all()
    assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1


def test_tiles_are_cut_out_of_the_image_with_their_boxes(scene):
    tiles = cut_tiles(scene, 150, 40)
    image = scene.images.read(0)
    assert len(tiles.boxed) == 16
    for index, (left, top) in enumerate(tiles.corner):
        np.testing.assert_array_equal(tiles.boxed.images.read(index), image[top : top + 150, left : left + 150])
        found, everything = tiles.boxed.boxes[index], scene.boxes[0]
        for box, kind in zip(found.boxes, found.classes, strict=True):
            whole = everything.boxes[kind] - np.array([left, top, left, top], "float32")
            np.testing.assert_allclose(box, np.clip(whole, 0, 150), atol=1e-4)
            assert areas(box) >= 0.5 * areas(whole)


def test_every_box_lies_whole_on_a_tile_if_the_overlap_is_as_large(scene):
    tiles = cut_tiles(scene, 150, 40)
    whole = {
        int(kind)
        for found in tiles.boxed.boxes
        for box, kind in zip(found.boxes, found.classes, strict=True)
        if areas(box) >= areas(scene.boxes[0].boxes[kind]) - 1e-2
    }
    assert whole == set(range(40))


def test_small_images_stay_whole(scene):
    tiles = cut_tiles(scene, 1000, 100)
    assert len(tiles.boxed) == 1
    np.testing.assert_array_equal(tiles.boxed.images.read(0), scene.images.read(0))


def test_the_overlap_must_be_smaller_than_a_tile(scene):
    with pytest.raises(InputError, match="`tile_overlap` must lie in"):
        cut_tiles(scene, 100, 100)


def test_tiles_of_a_source_serve_pre_training(tmp_path, photographs):
    Image.fromarray(photographs[0]).save(tmp_path / "one.png")
    tiles = open_source(f"dir:{tmp_path}", tile=200)
    assert len(tiles) == 3 * 4
    assert tiles.labels is None
    rows, cols = tile_starts(427, 200, 0), tile_starts(640, 200, 0)
    for index, (top, left) in enumerate(itertools.product(rows, cols)):
        np.testing.assert_array_equal(tiles.read(index), photographs[0][top : top + 200, left : left + 200])

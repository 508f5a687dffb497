import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.detection import targets
from cpc_keras.detection.anchors import base_anchors, lay_anchors, sizes_for

RNG = np.random.default_rng(0)
STRIDE, ROWS, COLS = 16, 4, 5


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height)


def test_anchors_are_those_of_the_paper():
    """Areas of 128², 256² and 512² pixels, heights of half, once and twice the width, one set at every pixel."""
    sizes, ratios = (128, 256, 512), (0.5, 1.0, 2.0)
    anchors = np.asarray(lay_anchors(ROWS, COLS, STRIDE, base_anchors(sizes, ratios))).reshape(ROWS, COLS, 9, 4)
    for row, col in np.ndindex(ROWS, COLS):
        for place, (size, ratio) in enumerate((size, ratio) for size in sizes for ratio in ratios):
            left, top, right, bottom = anchors[row, col, place]
            width, height = right - left, bottom - top
            assert ((left + right) / 2, (top + bottom) / 2) == ((col + 0.5) * STRIDE, (row + 0.5) * STRIDE)
            assert width == pytest.approx(size / np.sqrt(ratio), abs=1)  # whole or half pixels
            assert height == pytest.approx(size * np.sqrt(ratio), abs=1)


def test_sizes_for_boxes_lie_among_their_sides():
    sides = RNG.uniform(8, 64, 300)
    sizes = sizes_for(np.stack([0 * sides, 0 * sides, sides, sides], axis=-1))
    assert list(sizes) == sorted(sizes)
    assert sides.min() < sizes[0] < np.median(sides) < sizes[2] < sides.max()


def by_loop(anchors, boxes, present, low, high, force):
    """Ren et al.: an object by overlap, or as the best for a box; background by overlap; nothing in between."""
    found = np.full(len(anchors), -2)
    over = np.array([[iou(a, b) if p else -1.0 for b, p in zip(boxes, present, strict=True)] for a in anchors])
    for i, row in enumerate(over):
        best = row.max()
        if best >= high:
            found[i] = row.argmax()
        elif best < low:
            found[i] = -1
    if force:
        for i, row in enumerate(over):
            best_for = [j for j in range(len(boxes)) if present[j] and row[j] > 0 and row[j] >= over[:, j].max() - 1e-7]
            if best_for:
                found[i] = max(best_for, key=lambda j: row[j])
    return found


@pytest.mark.parametrize("force", [False, True])
def test_matching_equals_a_loop(force):
    anchors = np.asarray(lay_anchors(ROWS, COLS, STRIDE, base_anchors((16, 40), (0.5, 1.0))))
    corners = RNG.uniform(0, 60, (3, 6, 2))
    boxes = np.concatenate([corners, corners + RNG.uniform(4, 40, (3, 6, 2))], axis=-1).astype("float32")
    present = np.array([[True] * 6, [True] * 3 + [False] * 3, [False] * 6])
    boxes[~present] = 0.0
    over = targets.overlaps(anchors, boxes, present)
    found = np.asarray(targets.match(over, 0.3, 0.7, force))
    for image in range(3):
        expected = by_loop(anchors, boxes[image], present[image], 0.3, 0.7, force)
        np.testing.assert_array_equal(found[image], expected)
    assert (found[2] == targets.BACKGROUND).all(), "an image without boxes is all background"
    assert (found[:2] >= 0).any() == force or not force


@pytest.mark.parametrize(("objects", "expected"), [(30, (16, 16)), (5, (5, 27)), (0, (0, 32))])
def test_a_sample_has_its_share_of_objects_and_is_filled_up(objects, expected):
    wanted = np.arange(200)[None] < objects
    sampled = np.asarray(targets.sample(RNG.random((1, 200)).astype("float32"), wanted, ~wanted, 32, 0.5))
    assert (int((sampled & wanted).sum()), int((sampled & ~wanted).sum())) == expected


def test_a_sample_takes_what_there_is():
    wanted = np.array([[True, False, False, False]])
    unwanted = np.array([[False, True, True, False]])
    sampled = np.asarray(targets.sample(np.zeros((1, 4), "float32"), wanted, unwanted, 32, 0.5))
    assert sampled.tolist() == [[True, True, True, False]]


def test_a_sample_is_drawn_evenly():
    eligible = np.ones((4000, 10), bool)
    sampled = np.asarray(
        targets.sample(RNG.random((4000, 10)).astype("float32"), np.zeros_like(eligible), eligible, 3, 0.5)
    )
    assert (sampled.sum(axis=1) == 3).all()
    np.testing.assert_allclose(sampled.mean(axis=0), 0.3, atol=0.03)


def test_targets_may_be_of_unknown_size():
    spec = [tf.TensorSpec((None, None, 4)), tf.TensorSpec((None, None), tf.bool)]

    @tf.function(input_signature=spec)
    def matched(boxes, present):
        anchors = lay_anchors(tf.constant(3), tf.constant(2), STRIDE, base_anchors((16,), (1.0,)))
        return targets.match(targets.overlaps(anchors, boxes, present), 0.3, 0.7, force=True)

    assert matched(np.array([[[0.0, 0, 16, 16]]], "float32"), [[True]]).numpy().tolist() == [[0, -1, -1, -1, -1, -1]]

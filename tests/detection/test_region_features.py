import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.detection.region_features import roi_align

RNG = np.random.default_rng(0)
MAPS = RNG.normal(size=(2, 7, 9, 5))
# Inside, over every edge, outside, without area, turned inside out, and larger than the image.
BOXES = np.array(
    [
        [[3.0, 5.0, 60.0, 40.0], [-20.0, -30.0, 40.0, 90.0], [500.0, 10.0, 600.0, 20.0], [30.0, 30.0, 30.0, 30.0]],
        [[0.0, 0.0, 144.0, 112.0], [50.0, 60.0, 20.0, 10.0], [-9.0, -9.0, 150.0, 118.0], [0.5, 1.5, 7.0, 111.0]],
    ]
)
STRIDE = 16


def bilinear(image, y, x):
    """The value of a map at a point, pixel by pixel."""
    height, width = image.shape[:2]
    if y < -1 or y > height or x < -1 or x > width:
        return np.zeros(image.shape[2])
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, along = y - top, x - left
    upper = image[top, left] * (1 - along) + image[top, right] * along
    lower = image[bottom, left] * (1 - along) + image[bottom, right] * along
    return upper * (1 - down) + lower * down


def by_loop(maps, boxes, size, samples):
    out = np.zeros((*boxes.shape[:2], size, size, maps.shape[-1]))
    for b, r in np.ndindex(*boxes.shape[:2]):
        x0, y0, x1, y1 = boxes[b, r] / STRIDE - 0.5
        for i, j in np.ndindex(size, size):
            found = []
            for u, v in np.ndindex(samples, samples):
                y = y0 + (y1 - y0) * (i + (u + 0.5) / samples) / size
                x = x0 + (x1 - x0) * (j + (v + 0.5) / samples) / size
                found.append(bilinear(maps[b], y, x))
            out[b, r, i, j] = np.mean(found, axis=0)
    return out


@pytest.mark.parametrize(("size", "samples"), [(1, 1), (3, 2), (7, 1), (4, 3)])
def test_equals_a_loop_over_points(size, samples):
    found = roi_align(MAPS.astype("float32"), BOXES, STRIDE, size, samples)
    np.testing.assert_allclose(found, by_loop(MAPS, BOXES, size, samples), atol=1e-5)


def test_gradient_is_that_of_the_loop():
    """Of a weighted sum, for some pixels of the map, by differences."""
    weights = RNG.normal(size=(2, 4, 3, 3, 5))
    maps = tf.constant(MAPS, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        total = tf.reduce_sum(roi_align(maps, BOXES, STRIDE, 3, 2) * weights)
    gradient = tape.gradient(total, maps).numpy()
    for place in ((0, 0, 0, 0), (0, 2, 3, 1), (1, 6, 8, 4), (1, 3, 0, 2)):
        moved = MAPS.copy()
        moved[place] += 1.0  # linear in the map, so that any step is exact
        difference = np.sum((by_loop(moved, BOXES, 3, 2) - by_loop(MAPS, BOXES, 3, 2)) * weights)
        assert gradient[place] == pytest.approx(difference, abs=1e-5)


def test_sizes_may_be_known_at_run_time_only():
    spec = [tf.TensorSpec((None, None, None, 5)), tf.TensorSpec((None, None, 4))]
    traced = tf.function(lambda maps, boxes: roi_align(maps, boxes, STRIDE, 3), input_signature=spec)
    found = traced(MAPS.astype("float32"), BOXES.astype("float32"))
    np.testing.assert_allclose(found, by_loop(MAPS, BOXES, 3, 2), atol=1e-5)


def test_keeps_bfloat16():
    found = roi_align(tf.cast(MAPS, tf.bfloat16), BOXES, STRIDE, 3)
    assert found.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(found, tf.float32), by_loop(MAPS, BOXES, 3, 2), atol=0.05)

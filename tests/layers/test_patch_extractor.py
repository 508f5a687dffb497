import numpy as np
import pytest

from cpc_keras.layers import PatchExtractor
from cpc_keras.layers.patch_extractor import grid_size


@pytest.mark.parametrize(
    ("height", "width", "patch_size", "stride", "channels"),
    [(28, 28, 12, 4, 1), (26, 34, 10, 8, 3), (7, 7, 7, 3, 2), (12, 20, 4, 4, 3)],
)
def test_equals_a_slicing_loop(height, width, patch_size, stride, channels):
    images = np.random.default_rng(0).uniform(size=(2, height, width, channels)).astype("float32")
    patches = np.asarray(PatchExtractor(patch_size, stride)(images))
    rows, cols = (height - patch_size) // stride + 1, (width - patch_size) // stride + 1
    assert patches.shape == (2, rows, cols, patch_size, patch_size, channels)
    for row in range(rows):
        for col in range(cols):
            top, left = row * stride, col * stride
            expected = images[:, top : top + patch_size, left : left + patch_size]
            np.testing.assert_array_equal(patches[:, row, col], expected)


def test_output_shape_is_known_beforehand():
    layer = PatchExtractor(12, 4)
    assert layer.compute_output_shape((None, 28, 36, 3)) == (None, 5, 7, 12, 12, 3)
    assert layer.compute_output_shape((2, None, 36, 3)) == (2, None, 7, 12, 12, 3)


def test_size_known_only_at_run_time():
    import tensorflow as tf

    layer = PatchExtractor(12, 4)
    function = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 1))])
    images = np.random.default_rng(0).uniform(size=(2, 28, 20, 1)).astype("float32")
    np.testing.assert_array_equal(function(images), layer(images))


def test_refuses_a_patch_larger_than_the_image():
    with pytest.raises(ValueError, match=r"`patch_size` must not exceed the image height of 8 px.*patch_size=9"):
        PatchExtractor(9, 1)(np.zeros((1, 8, 8, 1)))


def test_refuses_a_stride_that_loses_pixels():
    with pytest.raises(ValueError, match=r"`stride` must divide .* 3 px at the edge are lost.*stride=5"):
        grid_size(28, 10, 5)


@pytest.mark.parametrize(("name", "arguments"), [("patch_size", (0, 1)), ("stride", (2, 1.5))])
def test_refuses_sizes_that_are_no_positive_whole_numbers(name, arguments):
    with pytest.raises(ValueError, match=f"`{name}` must be a positive whole number"):
        PatchExtractor(*arguments)

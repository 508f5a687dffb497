import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.data.resize import convert
from cpc_keras.export.resizing import resize_short_side

SIZES = ((427, 640), (300, 300), (97, 61), (33, 32), (20, 31), (7, 200), (1, 9), (421, 13))


@pytest.fixture(scope="module")
def resized():
    specs = [tf.TensorSpec((None, None, None), tf.int32), tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.bool)]
    return tf.function(lambda pixels, side, deep: resize_short_side(pixels, side, deep), input_signature=specs)


@pytest.mark.parametrize("short_side", [9, 32, 111])
@pytest.mark.parametrize("height, width", SIZES)
def test_is_pillows_to_the_bit(height, width, short_side, resized, photographs):
    noise = np.random.default_rng(0).integers(0, 2, (height, width, 3)) * 255
    for picture in (photographs[1][:height, :width], noise.astype("uint8")):
        np.testing.assert_array_equal(resized(picture, short_side, False), convert(picture, 3, short_side))
    deep = 257 * picture[..., :1].astype("uint16") - picture[..., 1:2] // 7
    np.testing.assert_array_equal(resized(deep, short_side, True), convert(deep, 1, short_side))

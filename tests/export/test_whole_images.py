import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.data.image_set import to_float
from cpc_keras.data.resize import convert
from cpc_keras.export.whole_images import WholeImages


def crop(array, channels, side, short_side):
    """What `embed` and `predict` send through an encoder."""
    picture = convert(array, channels, short_side)
    top, left = ((size - side) // 2 for size in picture.shape[:2])
    return to_float(picture[top : top + side, left : left + side])


@pytest.fixture(scope="module")
def prepared():
    """By channels and short side: crops of 28 px in each of the three forms."""

    def make(channels, short_side):
        functions = WholeImages(channels, 28, short_side).signatures("crops", lambda crops: {"crops": crops})
        return {name: (lambda given, run=run: run(given)["crops"]) for name, run in functions.items()}

    return {(channels, short_side): make(channels, short_side) for channels in (1, 3) for short_side in (32, None)}


@pytest.mark.parametrize("short_side", [32, None])
@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_become_the_crops_that_predict_takes(channels, short_side, prepared, photographs):
    functions = prepared[channels, short_side]
    for height, width in ((427, 640), (61, 97), (28, 29)):
        for given in (1, 3):
            arrays = np.stack([picture[:height, :width, :given] for picture in photographs])
            expected = np.stack([crop(array, channels, 28, short_side) for array in arrays])
            np.testing.assert_allclose(functions["crops_uint8"](arrays), expected, atol=1e-7)
            for values in (to_float(arrays), (arrays / 255.0).astype("float32"), arrays * np.float32(1 / 255)):
                np.testing.assert_allclose(functions["crops"](values), expected, atol=1e-7)
    deep = 200 * photographs[0][:61, :97, :1].astype("uint16") + 3
    expected = crop(deep, channels, 28, short_side)
    np.testing.assert_allclose(functions["crops"](to_float(deep)[None])[0], expected, atol=1e-7)


def test_a_batch_may_mix_8_and_16_bits(prepared, photographs):
    shallow, deep = photographs[0][:50, :60, :1], 200 * photographs[1][:50, :60, :1].astype("uint16") + 3
    crops = prepared[1, 32]["crops"](np.stack([to_float(shallow), to_float(deep)]))
    np.testing.assert_allclose(crops[0], crop(shallow, 1, 28, 32), atol=1e-7)
    np.testing.assert_allclose(crops[1], crop(deep, 1, 28, 32), atol=1e-7)


def test_files_of_several_sizes_go_together(prepared, photographs):
    pictures = [photographs[0][:91, :60], photographs[1][:40, :400]]
    files = [tf.io.encode_png(picture) for picture in pictures]
    crops = prepared[1, 32]["crops_encoded"](tf.stack(files))
    np.testing.assert_allclose(crops, [crop(picture, 1, 28, 32) for picture in pictures], atol=1e-7)
    assert prepared[1, 32]["crops_encoded"](tf.zeros([0], tf.string)).shape == (0, 28, 28, 1)


def test_crops_that_are_ready_stay_as_they_are(prepared, photo_crops):
    np.testing.assert_array_equal(prepared[1, 32]["crops"](photo_crops), photo_crops)
    as_bytes = np.round(255 * photo_crops).astype("uint8")
    expected = np.stack([crop(array, 1, 28, 32) for array in as_bytes])
    np.testing.assert_allclose(prepared[1, 32]["crops_uint8"](as_bytes), expected, atol=1e-7)


WRONG = {
    "rank": ("crops", np.zeros((40, 40, 3), "float32"), r"`images` must be \[B, H, W, C\], a batch of images"),
    "rank of files": ("crops_encoded", b"a", r"`encoded` must be \[B\], a string for each image. Received: shape"),
    "channels": ("crops_uint8", np.zeros((1, 40, 40, 4), "uint8"), "`images` must have 1 or 3 channels"),
    "bytes as numbers": ("crops", np.full((1, 40, 40, 1), 255.0, "float32"), r"must hold values in \[0, 1\]"),
    "around zero": ("crops", np.full((1, 28, 28, 1), -1.0, "float32"), r"must hold values in \[0, 1\]"),
    "no number": ("crops", np.full((1, 40, 40, 1), np.nan, "float32"), r"must hold values in \[0, 1\]"),
    "too small": ("crops_uint8", np.zeros((1, 27, 99, 1), "uint8"), "images must be at least 28 px high and wide"),
    "no pixels": ("crops_uint8", np.zeros((1, 0, 9, 1), "uint8"), "images must be at least 28 px high and wide"),
}


@pytest.mark.parametrize("case", WRONG)
def test_says_what_is_wrong(case, prepared):
    name, given, message = WRONG[case]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        prepared[1, None][name](given)

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cpc_keras.data.sources import open_source
from cpc_keras.export.decoding import decode
from tests.export.kinds_of_files import exif_block, write_kinds

decoded = tf.function(decode, input_signature=[tf.TensorSpec((), tf.string)])


def test_every_kind_is_what_the_reader_of_images_makes_of_it(photographs, tmp_path):
    paths = write_kinds(photographs[0][100:141, 200:253], tmp_path)
    images = open_source(f"dir:{tmp_path}")
    assert len(images) == len(paths) and not images.bad_files
    for position, path in enumerate(images.ids):
        expected = images.read(position)
        pixels, deep = decoded(tf.io.read_file(path))
        # Gray ones of BMP and GIF have three channels that are alike.
        np.testing.assert_array_equal(pixels, np.broadcast_to(expected, pixels.shape), err_msg=path)
        assert bool(deep) == (expected.dtype == np.uint16), path


@pytest.mark.parametrize("bytes_left", [4, 8, 12, 20, 30])
def test_an_exif_block_that_is_cut_off_turns_nothing(bytes_left, photographs, tmp_path):
    picture = photographs[0][:20, :30]
    Image.fromarray(picture).save(tmp_path / "a.jpg", exif=exif_block(6, "<")[: 6 + bytes_left])
    assert decoded(tf.io.read_file(str(tmp_path / "a.jpg")))[0].shape == picture.shape


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"RIFF....WEBPVP8 ", "must hold the bytes of JPEG, PNG, GIF or BMP files. Received: bytes that begin with"),
        (b"", "must hold the bytes of JPEG, PNG, GIF or BMP files"),
        (b"\xff\xd8\xff\xe1", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"GIF89a", "GIF"),
        (b"BM", "BMP|bmp"),
    ],
)
def test_what_is_no_image_or_cut_off_is_refused(content, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decoded(content)

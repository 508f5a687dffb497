import numpy as np
import pytest
from PIL import Image

from cpc_keras.data import image_files
from cpc_keras.data.image_files import EXTENSIONS, read_image, read_size


@pytest.fixture
def picture(photographs):
    return photographs[0][:40, :60]


def agree(path, expected, tolerance=0.0):
    """`read_image` gives `expected`, and `read_size` foretells its shape."""
    array = read_image(path)
    assert array.shape == expected.shape
    assert read_size(path) == expected.shape
    assert np.abs(array.astype("float64") - expected).mean() <= tolerance


@pytest.mark.parametrize("extension", ["png", "bmp", "webp", "jpg"])
def test_colour(tmp_path, picture, extension):
    path = tmp_path / f"picture.{extension}"
    options = {"webp": {"lossless": True}, "jpg": {"quality": 95}}.get(extension, {})
    Image.fromarray(picture).save(path, **options)
    assert path.suffix in EXTENSIONS
    agree(path, picture, tolerance=4.0 if extension == "jpg" else 0.0)


def test_grey(tmp_path, picture):
    Image.fromarray(picture[..., 1]).save(tmp_path / "grey.png")
    agree(tmp_path / "grey.png", picture[..., 1:2])


def test_black_and_white(tmp_path, picture):
    bits = picture[..., 1] > 128
    Image.fromarray(bits).save(tmp_path / "bits.png")
    agree(tmp_path / "bits.png", 255 * bits[..., None].astype("uint8"))


def test_palette(tmp_path, picture):
    image = Image.fromarray(picture).quantize(32)
    image.save(tmp_path / "palette.png")
    agree(tmp_path / "palette.png", np.asarray(image.convert("RGB")))


def test_transparency_is_laid_over_white(tmp_path):
    pixels = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 128]]], "uint8")
    Image.fromarray(pixels).save(tmp_path / "alpha.png")
    agree(tmp_path / "alpha.png", np.array([[[255, 0, 0], [255, 255, 255], [127, 127, 127]]], "uint8"))


def test_transparent_grey(tmp_path):
    pixels = np.array([[[10, 255], [10, 0]]], "uint8")
    Image.fromarray(pixels).save(tmp_path / "grey_alpha.png")
    agree(tmp_path / "grey_alpha.png", np.array([[[10], [255]]], "uint8"))


def test_transparent_palette(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putdata([0, 1])
    image.save(tmp_path / "palette.png", transparency=1)
    agree(tmp_path / "palette.png", np.array([[[255, 0, 0], [255, 255, 255]]], "uint8"))


def test_sixteen_bits_keep_their_range(tmp_path):
    values = np.array([[0, 256, 40000, 65535]], "uint16")
    Image.fromarray(values).save(tmp_path / "deep.png")
    array = read_image(tmp_path / "deep.png")
    assert array.dtype == np.uint16
    agree(tmp_path / "deep.png", values[..., None])


def test_exif_rotation_is_applied(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees clockwise
    Image.fromarray(picture).save(tmp_path / "turned.png", exif=exif)
    agree(tmp_path / "turned.png", np.rot90(picture, -1))


def test_first_frame_of_a_gif(tmp_path, picture):
    frames = [Image.fromarray(picture).quantize(64), Image.new("P", (60, 40))]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    agree(tmp_path / "two.gif", np.asarray(frames[0].convert("RGB")))


@pytest.mark.parametrize("kind", ["text", "truncated", "empty"])
def test_damaged_files_raise_os_errors(tmp_path, picture, kind):
    path = tmp_path / "bad.jpg"
    Image.fromarray(picture).save(path)
    whole = path.read_bytes()
    path.write_bytes({"text": b"not an image", "truncated": whole[: len(whole) // 2], "empty": b""}[kind])
    with pytest.raises(OSError):
        read_image(path)


def test_absurdly_large_files_are_refused_from_their_header(tmp_path, picture, monkeypatch):
    Image.fromarray(picture).save(tmp_path / "large.png")
    monkeypatch.setattr(image_files, "MAX_PIXELS", 1000)
    for read in (read_size, read_image):
        with pytest.raises(ValueError, match="has 60 × 40 pixels, more than 1,000"):
            read(tmp_path / "large.png")

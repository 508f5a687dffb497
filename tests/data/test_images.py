import struct
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin

from cpc_keras.data.bad_files import plain_reason
from cpc_keras.data.image_kinds import endings
from cpc_keras.data.images import MAX_TILED_PIXELS, read_image, read_orientation, read_size


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
    assert path.suffix in endings()
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


def test_absurdly_large_files_are_refused_from_their_header(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "large.png")
    for read in (read_size, read_image):
        with pytest.raises(ValueError, match="has 60 × 40 pixels, more than 1,000"):
            read(tmp_path / "large.png", max_pixels=1000)


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
@pytest.mark.parametrize("orientation", [*range(1, 9)])
def test_every_orientation_and_kind_agree_with_pillow(tmp_path, picture, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(tmp_path / f"turned.{kind}", exif=exif, lossless=True, quality=95)
    with Image.open(tmp_path / f"turned.{kind}") as image:
        agree(tmp_path / f"turned.{kind}", np.asarray(ImageOps.exif_transpose(image)))
    assert read_orientation(tmp_path / f"turned.{kind}") == orientation


def exif_of(*tags):
    """A block of EXIF with tags `(number, type, count, four bytes)`, as no careful program would write it."""
    entries = b"".join(struct.pack("<HHI4s", *tag) for tag in tags)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)


ODD_ORIENTATIONS = {
    "text": (2, 2, b"6\0\0\0"),
    "bytes": (7, 1, b"6\0\0\0"),
    "none": (3, 1, b"\0\0\0\0"),
    "nine": (3, 1, b"\x09\0\0\0"),
    "huge": (4, 1, b"\xff\xff\xff\xff"),
    "a fraction": (11, 1, struct.pack("<f", 6.5)),
    "of no type": (99, 1, b"\x06\0\0\0"),
}


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
@pytest.mark.parametrize("value", ODD_ORIENTATIONS)
def test_an_orientation_that_is_none_turns_nothing(tmp_path, picture, kind, value):
    exif = exif_of((0x0112, *ODD_ORIENTATIONS[value]))
    Image.fromarray(picture).save(tmp_path / f"odd.{kind}", exif=exif, lossless=True, quality=95)
    agree(tmp_path / f"odd.{kind}", picture, tolerance=4.0 if kind == "jpg" else 0.0)


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_other_tags_that_are_broken_do_no_harm(tmp_path, picture, kind):
    """A turned photograph whose width is negative, whose unit is 70000, and whose resolution is a text."""
    exif = exif_of(
        (0x0100, 9, 1, struct.pack("<i", -5)),
        (0x0112, 3, 1, b"\x06\0\0\0"),
        (0x011A, 2, 4, b"abc\0"),
        (0x0128, 4, 1, struct.pack("<I", 70000)),
    )
    Image.fromarray(picture).save(tmp_path / f"turned.{kind}", exif=exif, lossless=True, quality=95)
    agree(tmp_path / f"turned.{kind}", np.rot90(picture, -1), tolerance=4.0 if kind == "jpg" else 0.0)


@pytest.mark.parametrize(
    "cut", [b"", b"Exif\x00\x00", b"Exif\x00\x00MM\x00*\xff\xff\xff\xff", b"Exif\x00\x00II*\x00\x08"]
)
def test_a_broken_block_of_exif_does_no_harm(tmp_path, picture, cut):
    Image.fromarray(picture).save(tmp_path / "cut.png", exif=cut)
    agree(tmp_path / "cut.png", picture)


@pytest.mark.parametrize(
    ("mode", "ending", "shape", "dtype"),
    [
        ("1", "png", (40, 60, 1), "uint8"),
        ("L", "tif", (40, 60, 1), "uint8"),
        ("LA", "png", (40, 60, 1), "uint8"),
        ("P", "png", (40, 60, 3), "uint8"),
        ("PA", "tif", (40, 60, 3), "uint8"),
        ("RGBA", "webp", (40, 60, 3), "uint8"),
        ("CMYK", "jpg", (40, 60, 3), "uint8"),
        ("YCbCr", "tif", (40, 60, 3), "uint8"),
        ("LAB", "tif", (40, 60, 3), "uint8"),
        ("I;16", "tif", (40, 60, 1), "uint16"),
        ("I;16B", "tif", (40, 60, 1), "uint16"),
        ("I", "tif", (40, 60, 1), "uint16"),
        ("F", "tif", (40, 60, 1), "uint16"),
    ],
)
def test_every_mode_has_one_result(tmp_path, picture, mode, ending, shape, dtype):
    path = tmp_path / f"picture.{ending}"
    gray = Image.fromarray(picture).convert("L")
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(Image.fromarray(picture), *profiles, outputMode="LAB")
    elif mode == "PA":
        image = Image.fromarray(picture).convert("P").convert("PA")
    elif mode.startswith("I;16"):
        image = Image.fromarray(np.asarray(gray).astype(">u2" if mode == "I;16B" else "<u2") * 257)
    elif mode == "I":
        image = Image.fromarray(np.asarray(gray).astype("int32") * 257)
    elif mode == "F":
        image = Image.fromarray(np.asarray(gray).astype("float32") / 255)
    else:
        image = Image.fromarray(picture).convert(mode)
    image.save(path)
    array = read_image(path)
    assert (array.shape, array.dtype) == (shape, dtype)
    assert read_size(path) == shape
    largest = np.iinfo(array.dtype).max
    if shape[2] == 1 and mode != "1":
        np.testing.assert_allclose(array[..., 0] / largest, np.asarray(gray) / 255, atol=0.003)


@pytest.mark.parametrize(
    ("values", "stated", "expected"),
    [
        ([0.0, 0.25, 1.0], None, [0, 16384, 65535]),
        ([0.0, 51.0, 255.0], None, [0, 13107, 65535]),
        ([0.0, 100.0, 65535.0], None, [0, 100, 65535]),
        ([-100.0, 0.0, 300.0], (-100.0, 300.0), [0, 16384, 65535]),
        ([0.1, 0.2, 0.4], (0.0, 0.5), [13107, 26214, 52428]),
    ],
)
def test_floating_point_by_the_range_of_the_file(tmp_path, values, stated, expected):
    tags = {340: stated[0], 341: stated[1]} if stated else {}
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        info.tagtype[tag], info[tag] = 11, value
    Image.fromarray(np.array([values], "float32")).save(tmp_path / "float.tif", tiffinfo=info)
    assert read_image(tmp_path / "float.tif")[0, :, 0].tolist() == expected


@pytest.mark.parametrize("values", [[0.0, np.nan], [-1.0, 1.0], [0.0, 1e6], [0.0, np.inf]])
def test_floating_point_of_no_known_range_is_bad(tmp_path, values):
    Image.fromarray(np.array([values], "float32")).save(tmp_path / "float.tif")
    with pytest.raises(ValueError, match="has floating-point values from"):
        read_image(tmp_path / "float.tif")


@pytest.mark.parametrize("values", [[-1024, 0], [0, 70000]])
def test_integers_beyond_sixteen_bits_are_bad(tmp_path, values):
    Image.fromarray(np.array([values], "int32")).save(tmp_path / "deep.tif")
    with pytest.raises(ValueError, match=f"has values from {min(values)} to {max(values)}, of which 16 bits hold"):
        read_image(tmp_path / "deep.tif")


def test_a_bomb_is_refused_where_large_images_are_read(tmp_path):
    """11,000 × 11,000 white pixels in 15 kB; Pillow's own limit is passed by twice as many."""
    for side in (10001, 14000):
        Image.new("1", (side, side)).save(tmp_path / "bomb.png", compress_level=9)
        with pytest.raises(ValueError, match="in .* bytes, which no photograph has"):
            read_size(tmp_path / "bomb.png", MAX_TILED_PIXELS)
        with pytest.raises(ValueError, match="more than 100,000,000"):
            read_size(tmp_path / "bomb.png")


@pytest.mark.slow
def test_files_cut_anywhere_and_with_bytes_turned(tmp_path, picture):
    """Each is an image or bad, by one line; nothing else comes out, and the size that the header foretells holds."""
    rng = np.random.default_rng(0)
    kinds = ("png", "jpg", "gif", "bmp", "tif", "webp", "avif", "jp2", "ppm", "tga")
    ends = Counter()
    for kind in kinds:
        path = tmp_path / f"picture.{kind}"
        Image.fromarray(picture).save(path)
        whole = path.read_bytes()
        for place in rng.integers(0, len(whole), 200):
            turned = bytearray(whole)
            turned[place] ^= int(rng.integers(1, 256))
            for damaged in (whole[:place], bytes(turned)):
                path.write_bytes(damaged)
                try:
                    size = read_size(path)
                    assert read_image(path).shape == size
                    ends["image"] += 1
                except (OSError, ValueError) as error:
                    assert "\n" not in plain_reason(error)
                    ends["bad"] += 1
    assert ends["image"] > 300 and ends["bad"] > 1000, ends

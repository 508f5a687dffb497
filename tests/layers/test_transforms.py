"""Each transform against Pillow, TensorFlow or tensorflow-addons, on patches of photographs."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from cpc_keras.layers.transforms import color, elastic, geometry, histogram, primitives

# One level of 256: Pillow rounds to whole levels, and truncates where it uses tables.
LEVEL = 1.0 / 255.0 + 1e-5
SIDE = 32


@pytest.fixture(scope="module")
def levels(photographs):
    """Eight patches of photographs, uint8 `[8, 32, 32, 3]`; one is nearly flat."""
    rng = np.random.default_rng(0)
    places = [(int(rng.integers(0, 395)), int(rng.integers(0, 600))) for _ in range(7)] + [(10, 40)]
    return np.stack([photographs[i % 2][top : top + SIDE, left : left + SIDE] for i, (top, left) in enumerate(places)])


@pytest.fixture(scope="module")
def patches(levels):
    return levels.astype("float32") / 255.0


@pytest.fixture(scope="module")
def addons():
    with np.load(pathlib.Path(__file__).parent.parent / "golden" / "tfa_primitives.npz") as file:
        return dict(file)


def pillow(levels, function, *strengths):
    """A Pillow function applied patch by patch, as floats."""
    pictures = [function(Image.fromarray(patch), *(s[i] for s in strengths)) for i, patch in enumerate(levels)]
    return np.stack([np.asarray(picture) for picture in pictures]).astype("float32") / 255.0


FACTORS = np.linspace(0.1, 1.9, 8).astype("float32")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (primitives.enhance_brightness, ImageEnhance.Brightness),
        (primitives.enhance_contrast, ImageEnhance.Contrast),
        (primitives.enhance_color, ImageEnhance.Color),
        (primitives.enhance_sharpness, ImageEnhance.Sharpness),
    ],
    ids=["brightness", "contrast", "colour", "sharpness"],
)
def test_enhancements_are_pillows(patches, levels, ours, theirs):
    expected = pillow(levels, lambda picture, factor: theirs(picture).enhance(float(factor)), FACTORS)
    # The grey or smoothed rival is rounded to a level too, and a factor of 1.9 takes 0.9 of it.
    np.testing.assert_allclose(ours(patches, FACTORS), expected, atol=2 * LEVEL)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (primitives.invert, ImageOps.invert),
        (primitives.autocontrast, ImageOps.autocontrast),
        (primitives.equalize, ImageOps.equalize),
    ],
    ids=["invert", "autocontrast", "equalize"],
)
def test_operations_without_a_strength_are_pillows(patches, levels, ours, theirs):
    np.testing.assert_allclose(
        ours(patches), pillow(levels, theirs), atol=LEVEL if theirs is ImageOps.autocontrast else 1e-5
    )


def test_solarize_is_pillows_at_every_threshold(patches, levels):
    thresholds = np.array([0, 1, 50, 100, 128, 200, 255, 256])
    expected = pillow(levels, lambda picture, t: ImageOps.solarize(picture, int(t)), thresholds)
    np.testing.assert_allclose(primitives.solarize(patches, thresholds.astype("float32")), expected, atol=1e-5)


def test_posterize_is_pillows_at_bits_of_its_own_for_each_patch(patches, levels):
    bits = np.array([1, 2, 3, 4, 5, 6, 7, 8], "int32")
    expected = pillow(levels, lambda picture, b: ImageOps.posterize(picture, int(b)), bits)
    np.testing.assert_allclose(primitives.posterize(patches, bits), expected, atol=1e-5)


def inside(matrices):
    """Where a warp reads from inside the patch only."""
    return np.asarray(geometry.warp(np.ones((8, SIDE, SIDE, 1), "float32"), matrices, fill=0.0))[..., 0] > 1.0 - 1e-4


def assert_alike(ours, theirs, where):
    """Equal to a level and a half: Pillow's bilinear filter rounds its weights and its result."""
    assert where.mean() > 0.5
    difference = np.abs(np.asarray(ours) - theirs)[where]
    assert difference.max() < 1.5 * LEVEL and difference.mean() < 0.5 * LEVEL


def test_rotation_is_pillows(patches, levels):
    angles = np.array([-30, -20, -10, 0, 5, 15, 25, 30], "float32")
    matrices = geometry.affine_matrix(rotate=angles)
    theirs = pillow(levels, lambda p, a: p.rotate(float(a), Image.Resampling.BILINEAR, fillcolor=(128,) * 3), angles)
    assert_alike(geometry.warp(patches, matrices), theirs, inside(matrices))


@pytest.mark.parametrize("axis", ["x", "y"])
def test_shear_is_pillows(patches, levels, axis):
    amounts = np.linspace(-0.3, 0.3, 8).astype("float32")
    matrices = geometry.affine_matrix(**{f"shear_{axis}": amounts})

    def shear(picture, amount):
        shift = -amount * SIDE / 2  # about the centre
        data = (1, amount, shift, 0, 1, 0) if axis == "x" else (1, 0, 0, amount, 1, shift)
        return picture.transform(picture.size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)

    assert_alike(geometry.warp(patches, matrices), pillow(levels, shear, amounts), inside(matrices))


def test_translation_is_pillows_and_fills_the_rest(patches, levels):
    shifts = np.arange(-4, 4).astype("float32")

    def shift(picture, pixels):
        data = (1, 0, pixels, 0, 1, 2 * pixels)
        return picture.transform(picture.size, Image.Transform.AFFINE, data, fillcolor=(51, 51, 51))

    ours = geometry.warp(patches, geometry.affine_matrix(translate_x=shifts, translate_y=2 * shifts), fill=0.2)
    np.testing.assert_allclose(ours, pillow(levels, shift, shifts), atol=1e-5)


def test_greyscale_is_pillows_and_tensorflows(patches, levels):
    ours = np.asarray(color.grayscale(patches))
    np.testing.assert_allclose(ours, pillow(levels, lambda p: p.convert("L").convert("RGB")), atol=LEVEL)
    np.testing.assert_allclose(ours[..., :1], tf.image.rgb_to_grayscale(patches), atol=1e-3)  # weights of four digits


def test_colour_distortion_is_tensorflows(patches):
    deltas, factors, turns = FACTORS * 0.1 - 0.1, FACTORS, FACTORS * 0.2 - 0.2

    def each(function, *strengths):
        return np.stack([function(patch, *(float(s[i]) for s in strengths)) for i, patch in enumerate(patches)])

    np.testing.assert_allclose(
        color.adjust_brightness(patches, deltas), each(tf.image.adjust_brightness, deltas), atol=1e-5
    )
    np.testing.assert_allclose(
        color.adjust_contrast(patches, factors), each(tf.image.adjust_contrast, factors), atol=1e-5
    )
    none = np.zeros(8, "float32")
    np.testing.assert_allclose(
        color.adjust_hue_and_saturation(patches, none, factors), each(tf.image.adjust_saturation, factors), atol=1e-4
    )
    np.testing.assert_allclose(
        color.adjust_hue_and_saturation(patches, turns, none + 1), each(tf.image.adjust_hue, turns), atol=1e-4
    )


def test_colour_dropping_keeps_the_channel_that_was_drawn(patches):
    kept = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    expected = np.stack([np.repeat(patch[..., c : c + 1], 3, axis=-1) for patch, c in zip(patches, kept, strict=True)])
    np.testing.assert_array_equal(color.drop_colors(patches, kept), expected)


def test_addons_rotate_translate_sharpen_equalize_and_warp_alike(addons):
    """tensorflow-addons 0.23, run once in an environment of its own."""
    patches = addons["patches"].astype("float32") / 255.0
    rotated = geometry.warp(patches, geometry.affine_matrix(rotate=addons["angles"].astype("float32")))
    np.testing.assert_allclose(rotated, addons["rotate"], atol=1e-4)
    right, down = addons["shifts"].astype("float32").T
    moved = geometry.warp(patches, geometry.affine_matrix(translate_x=-right, translate_y=-down))
    np.testing.assert_allclose(moved, addons["translate"], atol=1e-5)
    np.testing.assert_allclose(primitives.equalize(patches), addons["equalize"] / 255.0, atol=1e-5)
    sharpened = primitives.enhance_sharpness(patches, addons["factors"].astype("float32"))
    np.testing.assert_allclose(sharpened, addons["sharpness"] / 255.0, atol=2 * LEVEL)
    # Theirs reads at the pixel less the flow, and cannot leave the patch.
    rows = np.arange(25.0)[:, None] - addons["flow"][..., 0]
    cols = np.arange(25.0)[None] - addons["flow"][..., 1]
    np.testing.assert_allclose(geometry.sample(patches, rows, cols), addons["dense_image_warp"], atol=1e-4)


def test_elastic_field_is_smooth_and_stays_within_its_control_points(patches):
    matrix = elastic.spline_matrix(SIDE, 5)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-6)
    assert matrix.min() >= 0.0
    # Control points that agree move everything alike: two pixels down, one to the right.
    control = np.broadcast_to(np.array([2.0, 1.0], "float32"), (8, 5, 5, 2))
    moved = np.asarray(elastic.elastic(patches, control))
    np.testing.assert_allclose(moved[:, :-2, :-1], patches[:, 2:, 1:], atol=1e-4)


def test_histogram_map_rises_and_keeps_the_ends():
    ramp = np.linspace(0.0, 1.0, 101, dtype="float32").reshape(1, 1, 101, 1)
    slopes = np.array([[[1.5, 0.5, 1.0, 0.6]]], "float32")
    mapped = np.asarray(histogram.remap_histogram(ramp, slopes)).ravel()
    assert mapped[0] == 0.0 and mapped[-1] == pytest.approx(1.0)
    assert (np.diff(mapped) > 0).all()
    knots = np.concatenate([[0.0], np.cumsum(slopes.ravel())]) / slopes.sum()
    np.testing.assert_allclose(mapped, np.interp(ramp.ravel(), np.linspace(0, 1, 5), knots), atol=1e-5)


def test_cutout_fills_a_square_and_nothing_else(patches):
    side = np.array([0, 2, 4, 6, 8, 6, 4, 2], "float32")
    row, col = np.full(8, 15.5, "float32"), np.full(8, 10.5, "float32")
    out = np.asarray(geometry.cutout(patches, row, col, side, fill=-1.0))
    filled = (out == -1.0).all(axis=-1)
    np.testing.assert_array_equal(filled.sum(axis=(1, 2)), side**2)
    np.testing.assert_array_equal(out[~filled], patches[~filled])
    assert filled[2, 14:18, 9:13].all()


def test_sub_crop_is_put_back_into_the_middle(patches):
    top, left = np.arange(8) % 5, np.arange(8)[::-1] % 5
    out = np.asarray(geometry.crop_and_pad(patches, 28, top, left))
    for index in range(8):
        expected = patches[index, top[index] : top[index] + 28, left[index] : left[index] + 28]
        np.testing.assert_array_equal(out[index, 2:30, 2:30], expected)
    assert out[:, :2].max() == out[:, 30:].max() == out[:, :, :2].max() == out[:, :, 30:].max() == 0.0


def test_constant_patches_stay_finite():
    flat = np.full((3, 8, 8, 3), 0.25, "float32")
    for function in (primitives.autocontrast, primitives.equalize):
        np.testing.assert_allclose(function(flat), flat, atol=LEVEL)

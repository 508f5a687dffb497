import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.layers import PatchAugmentation
from cpc_keras.layers.patch_draws import PatchDraws
from cpc_keras.layers.random_primitives import PRIMITIVE_RANGES

PUBLISHED = {
    "flip": 0.5,
    "primitives": 2,
    "elastic": 0.2,
    "shear": 0.2,
    "histogram": 0.2,
    "color_distortion": 0.8,
    "grayscale": 0.25,
    "color_dropping": 0.25,
}
CHANGES = {
    "sub_crop": {"sub_crop": 12},
    "flip": {"flip": 1.0},
    **{name: {"primitives": 1, "primitive_ranges": {name: reach}} for name, reach in PRIMITIVE_RANGES.items()},
    "elastic": {"elastic": 1.0},
    "shear": {"shear": 1.0},
    "histogram": {"histogram": 1.0},
    "color_distortion": {"color_distortion": 1.0},
    "grayscale": {"grayscale": 1.0},
    "color_dropping": {"color_dropping": 1.0},
    "published": PUBLISHED,
}


@pytest.fixture(scope="module")
def patches(photographs):
    """Float32 `[3, 4, 5, 16, 16, 3]`, pieces of photographs."""
    rng = np.random.default_rng(0)
    pieces = []
    for index in range(60):
        top, left = int(rng.integers(0, 411)), int(rng.integers(0, 624))
        pieces.append(photographs[index % 2][top : top + 16, left : left + 16])
    return (np.stack(pieces).reshape(3, 4, 5, 16, 16, 3) / 255.0).astype("float32")


def augment(patches, **arguments):
    return np.asarray(PatchAugmentation(**arguments)(patches, training=True))


def test_is_off_by_default_and_outside_training(patches):
    np.testing.assert_array_equal(augment(patches), patches)
    np.testing.assert_array_equal(PatchAugmentation(**PUBLISHED)(patches, training=False), patches)


@pytest.fixture(scope="module")
def changed(patches):
    """Function from a change and a number of channels to changed patches, each computed once."""
    return functools.cache(lambda name, channels: augment(patches[..., :channels], **CHANGES[name]))


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_change_keeps_shape_range_and_dtype(patches, changed, name, channels):
    out = changed(name, channels)
    assert out.shape == (*patches.shape[:-1], channels) and out.dtype == "float32"
    assert np.isfinite(out).all() and 0.0 <= out.min() <= out.max() <= 1.0


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_changes_patches(patches, changed, name):
    moved = (np.abs(changed(name, 3) - patches) > 1e-3).any(axis=(3, 4, 5))
    assert moved.mean() > 0.5


@pytest.fixture(scope="module")
def everywhere(patches):
    """For each change, patches `[N, 16, 16, 3]` that it made eagerly, in a graph, inside `tf.data` and under XLA.

    All changes are one function, which is traced once. Primitives are drawn by one layer, some 32 patches for each.
    """
    layers = {name: PatchAugmentation(**CHANGES[name], seed=5) for name in CHANGES if name not in PRIMITIVE_RANGES}
    drawn = PatchAugmentation(primitives=1, seed=5)
    many = np.concatenate([patches] * 8)

    def change(batch, step):
        return [layer(batch, training=True, step=step) for layer in (drawn, *layers.values())]

    graph, batch, step = tf.function(change), tf.constant(many), tf.constant(2, tf.int64)
    compiled = tf.function(lambda batch, step: graph(batch, step), jit_compile=True)
    dataset = tf.data.Dataset.from_tensors(many).repeat(3).enumerate().skip(2)
    (mapped,) = dataset.map(lambda step, batch: tuple(graph(batch, step)))
    # A step that is no constant, or XLA computes the draws beforehand.
    ways = change(many, 2), graph(batch, step), mapped, compiled(batch, step)
    of_primitives, *others = ([np.reshape(out, (-1, 16, 16, 3)) for out in one] for one in zip(*ways, strict=True))
    draws = PatchDraws(seed=5, step=2, images=len(many), rows=4, cols=5)
    number = np.asarray(draws.integer("primitive 0", len(PRIMITIVE_RANGES)))
    found = dict(zip(layers, others, strict=True))
    return found | {
        name: [out[number == place] for out in of_primitives] for place, name in enumerate(PRIMITIVE_RANGES)
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_same_in_a_graph_under_xla_and_inside_tf_data(everywhere, name):
    """Alike up to rounding, which XLA does its own way: where levels are counted, a few values move by one."""
    expected, graph, mapped, compiled = everywhere[name]
    assert len(expected) > 15
    for other, share in ((graph, 1e-4), (mapped, 1e-4), (compiled, 5e-3)):
        difference = np.abs(other - expected)
        assert (difference > 1e-5).mean() < share and np.median(difference) < 1e-6


def test_batch_and_grid_may_be_known_at_run_time_only(patches):
    layer = PatchAugmentation(**{**PUBLISHED, "primitives": 1}, sub_crop=12, seed=5)
    expected = np.asarray(layer(patches, training=True, step=2))
    signature = [tf.TensorSpec((None, None, None, 16, 16, 3)), tf.TensorSpec((), tf.int64)]
    function = tf.function(lambda batch, step: layer(batch, training=True, step=step), input_signature=signature)
    difference = np.abs(np.asarray(function(patches, 2)) - expected)
    assert (difference > 1e-5).mean() < 1e-4


def test_in_the_model_it_does_what_it_does_in_tf_data(patches):
    """The layer's own count of steps against `enumerate`."""
    layer = PatchAugmentation(flip=0.5, primitives=1, primitive_ranges={"rotate": (-30.0, 30.0)}, seed=5)
    own = [np.asarray(layer(patches, training=True)) for _ in range(3)]
    dataset = tf.data.Dataset.from_tensors(patches).repeat(3).enumerate()
    for mine, other in zip(own, dataset.map(lambda step, batch: layer(batch, training=True, step=step)), strict=True):
        assert (np.abs(mine - np.asarray(other)) > 1e-5).mean() < 1e-4
    assert np.abs(own[0] - own[1]).max() > 0.1


def test_a_split_batch_is_augmented_like_the_whole_one(patches):
    layer = PatchAugmentation(**PUBLISHED, seed=2)
    whole = np.asarray(layer(patches, training=True, step=4))
    parts = [layer(patches[i : i + 1], training=True, step=4, replica_offset=i) for i in range(3)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "probability"),
    [
        ("flip", 0.5),
        ("elastic", 0.2),
        ("shear", 0.3),
        ("histogram", 0.2),
        ("color_distortion", 0.8),
        ("grayscale", 0.25),
    ],
)
def test_happens_at_its_rate_patch_by_patch(patches, name, probability):
    many = np.concatenate([patches] * 20)
    out = augment(many, **{name: probability}, seed=1)
    changed = (np.abs(out - many) > 1e-6).any(axis=(3, 4, 5))
    assert changed.mean() == pytest.approx(probability, abs=0.05)
    np.testing.assert_array_equal(out[~changed], many[~changed])


def test_every_patch_draws_primitives_of_its_own(patches):
    same = np.broadcast_to(patches[:1, :1, :1], (3, 4, 5, 16, 16, 3)).astype("float32")
    out = augment(same, primitives=2, seed=1)
    assert len(np.unique(out.reshape(60, -1).round(4), axis=0)) > 50


def test_only_the_primitives_that_are_named_are_drawn(patches):
    out = augment(patches, primitives=1, primitive_ranges={"invert": (), "translate_x": (0.25, 0.25)})
    inverted = np.isclose(out, 1.0 - patches).all(axis=(3, 4, 5))
    moved = np.isclose(out[:, :, :, :, :-4], patches[:, :, :, :, 4:]).all(axis=(3, 4, 5))
    assert (inverted ^ moved).all() and 0.2 < inverted.mean() < 0.8


def test_colour_distortion_without_clipping_adds_and_scales(patches):
    grey = patches[..., :1]
    out = augment(grey, color_distortion=1.0, brightness=0.4, contrast=0.0, clip=False)
    added = out - grey
    np.testing.assert_allclose(added, np.broadcast_to(added[..., :1, :1, :1], added.shape), atol=1e-6)
    assert 0.2 < np.abs(added).max() <= 0.4 + 1e-6 and out.max() > 1.0
    out = augment(grey, color_distortion=1.0, brightness=0.0, contrast=0.5, clip=False)
    axes = (3, 4, 5)
    np.testing.assert_allclose(out.mean(axis=axes), grey.mean(axis=axes), atol=1e-5)
    factor = out.std(axis=axes) / grey.std(axis=axes)
    assert 0.5 - 1e-4 <= factor.min() < 0.7 and 1.3 < factor.max() <= 1.5 + 1e-4


def test_constant_and_bfloat16_patches(patches):
    flat = np.broadcast_to(np.linspace(0, 1, 60, dtype="float32").reshape(3, 4, 5, 1, 1, 1), patches.shape)
    assert np.isfinite(augment(flat, **PUBLISHED, sub_crop=12)).all()
    narrow = tf.cast(patches, "bfloat16")
    out = PatchAugmentation(**PUBLISHED, dtype="bfloat16")(narrow, training=True)
    assert out.dtype == "bfloat16" and np.isfinite(tf.cast(out, "float32")).all()


def test_counts_its_steps_through_fit_and_a_saved_file(patches, tmp_path):
    layer = PatchAugmentation(flip=0.5, seed=3)
    model = keras.Sequential([keras.Input(patches.shape[1:]), layer, keras.layers.Flatten(), keras.layers.Dense(1)])
    for compiled in (False, True):
        model.compile("sgd", "mse", jit_compile=compiled)
        model.fit(patches, np.zeros(3), batch_size=1, epochs=2, verbose=0)
    assert int(layer.step) == 12
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").layers[0]
    np.testing.assert_array_equal(loaded(patches, training=True), layer(patches, training=True))
    assert int(loaded.step) == 13


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"flip": 1.5}, r"`flip` must lie in \[0, 1\]. Received: flip=1.5"),
        ({"hue": -0.1}, "`hue` must not be negative"),
        ({"histogram_strength": 1.0}, r"`histogram_strength` must lie in \[0, 1\)"),
        ({"elastic_smoothness": 0.0}, r"`elastic_smoothness` must lie in \(0, 0.5\]"),
        ({"primitives": -1}, "`primitives` must be a whole number from 0 on"),
        ({"sub_crop": 0}, "`sub_crop` must be a positive whole number or None"),
        ({"sub_crop": 7.5}, "`sub_crop` must be a positive whole number or None. Received: sub_crop=7.5"),
        ({"seed": None}, "`seed` must be a whole number. Received: seed=None"),
        ({"primitive_ranges": {"twirl": (0, 1)}}, "`primitive_ranges` must name primitives out of .*'rotate'"),
        ({"primitive_ranges": {"rotate": (3, 1)}}, r"`primitive_ranges` must give \(low, high\) for 'rotate'"),
        ({"primitive_ranges": {"invert": (0, 1)}}, r"`primitive_ranges` must give \(\) for 'invert'"),
        ({"primitive_ranges": {"posterize": (4, 9)}}, r"`primitive_ranges` must give 'posterize' bits in \[0, 8\]"),
        ({"primitive_ranges": {}}, "`primitive_ranges` must name at least one"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        PatchAugmentation(**arguments)


def test_refuses_a_sub_crop_larger_than_the_patch(patches):
    with pytest.raises(ValueError, match="`sub_crop` must not exceed the patch of 16 px. Received: sub_crop=17"):
        PatchAugmentation(sub_crop=17)(patches, training=True)

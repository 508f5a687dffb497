import keras
import numpy as np
import pytest

from cpc_keras.data.image_set import from_arrays
from cpc_keras.evaluation.features import (
    AugmentedMaps,
    EncoderFeatures,
    MapFeatures,
    PixelFeatures,
    extract,
    with_joined,
)
from cpc_keras.evaluation.probes import LinearProbe
from cpc_keras.layers.grid_pooling import pool_grid
from cpc_keras.storage import digests


@pytest.fixture
def images(photo_crops):
    return from_arrays(photo_crops)


def test_poolings_of_an_encoder(small_cpc, photo_crops):
    model = small_cpc()
    features = with_joined(EncoderFeatures(model)(photo_crops))
    grid = np.asarray(model.encode(photo_crops))
    assert {name: pooled.shape for name, pooled in features.items()} == {
        "mean": (12, 16),
        "locations": (12, 16),
        "locations_square": (12, 16),
        "grid2": (12, 64),
        "grid3": (12, 144),
        "map3": (12, 144),
        "grid3_map3": (12, 288),
        "local": (12, 96),
    }
    np.testing.assert_allclose(features["mean"], grid.mean(axis=(1, 2)), atol=1e-5)
    np.testing.assert_allclose(features["locations_square"], (grid**2).mean(axis=(1, 2)), rtol=1e-4)
    whole = np.asarray(model.encoder(photo_crops))
    np.testing.assert_allclose(features["map3"], pool_grid(whole, 3), atol=1e-5)
    locations = (grid.reshape(12, -1, 16), whole.reshape(12, -1, 16))
    moments = [part for map_ in locations for part in (map_.mean(axis=1), map_.std(axis=1), map_.max(axis=1))]
    np.testing.assert_allclose(features["local"], np.concatenate(moments, axis=1), atol=1e-4)


def test_what_is_small_stays_in_local_features_wherever_it_is():
    """Two classes of noise that differ in one location of a hundred, by far less than images do in their mean."""
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(200, 10, 10, 4)) + rng.normal(size=(200, 1, 1, 4))
    labels = np.arange(200) % 2
    maps[labels == 1, rng.integers(0, 10, 100), rng.integers(0, 10, 100)] += 12
    features = MapFeatures(lambda images: images, (None, None, None, 4))(maps.astype("float32"))
    train, test = {}, {}
    for name, values in features.items():
        train[name], test[name] = values[:100], values[100:]
    probe = LinearProbe().fit(train, labels[:100])
    assert probe.selected_["pooling"] == "local"
    assert probe.score(test, labels[100:]) > 0.95
    assert LinearProbe(poolings=("mean", "grid2", "grid3")).fit(train, labels[:100]).score(test, labels[100:]) < 0.8


def test_pixels_are_the_image_or_its_small_copy():
    images = np.random.default_rng(0).uniform(size=(2, 64, 64, 3)).astype("float32")
    assert PixelFeatures(64)(images)["pixels"].shape == (2, 64 * 64 * 3)
    small = PixelFeatures(32)(images)["pixels"].reshape(2, 32, 32, 3)
    np.testing.assert_allclose(small[:, 0, 0], images[:, :2, :2].mean(axis=(1, 2)), atol=1e-6)


def test_features_leave_the_encoder_as_it_was(small_cpc, images):
    model = small_cpc()
    model.build((None, 28, 28, 1))
    before = digests.of_weights(model)
    extract(EncoderFeatures(model), images, 28)
    assert digests.of_weights(model) == before


def test_augmented_maps_are_maps_of_mirrored_and_translated_images(small_cpc, photo_crops):
    encoder = small_cpc().encoder
    maps = AugmentedMaps(encoder, copies=3)(photo_crops)["map"]
    assert maps.shape == (12, 3, 14 // 2, 14 // 2, 16) and maps.dtype == np.float16
    down = np.zeros_like(photo_crops)
    down[:, 1:] = photo_crops[:, :-1]  # 4 % of 28 px
    for copy, images in enumerate((photo_crops, photo_crops[:, :, ::-1], down)):
        np.testing.assert_allclose(maps[:, copy], encoder(images), atol=2e-2)
    unmirrored = AugmentedMaps(encoder, copies=3, flip=False)(photo_crops)["map"]
    np.testing.assert_array_equal(unmirrored[:, 1], unmirrored[:, 0])
    np.testing.assert_allclose(unmirrored[:, ::2], maps[:, ::2], atol=2e-2)


def test_foreign_encoders_get_the_size_channels_and_range_they_want(photo_crops):
    seen = []

    def encoder(images):
        seen.append(np.asarray(images))
        return keras.ops.mean(images, axis=(1, 2))

    vectors = MapFeatures(encoder, (None, 32, 32, 3), value_range=(-1.0, 1.0))(photo_crops)["vector"]
    assert seen[0].shape == (12, 32, 32, 3)
    assert seen[0].min() >= -1.1 and seen[0].min() < -0.5
    np.testing.assert_allclose(vectors.mean(axis=1), 2 * photo_crops.mean(axis=(1, 2, 3)) - 1, atol=0.02)
    grey = MapFeatures(lambda images: images, (None, None, None, 1))(np.repeat(photo_crops, 3, axis=-1))
    assert set(grey) == {"mean", "grid2", "grid3", "local"}
    np.testing.assert_allclose(grey["mean"][:, 0], photo_crops.mean(axis=(1, 2, 3)), atol=1e-3)

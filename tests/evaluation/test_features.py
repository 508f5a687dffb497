import numpy as np
import pytest

from cpc_keras.data.image_set import ImageSet
from cpc_keras.evaluation.features import (
    EncoderViews,
    FeatureStore,
    PixelViews,
    extract,
    pool_grid,
    weights_digest,
)


@pytest.fixture
def images(photo_crops):
    pictures = (255 * photo_crops).astype("uint8")
    sizes = np.tile([28, 28, 1], (12, 1))
    return ImageSet("test", "all", [str(i) for i in range(12)], pictures.__getitem__, sizes, np.arange(12) % 3)


@pytest.mark.parametrize(("size", "areas"), [(5, [(0, 2), (1, 4), (3, 5)]), (6, [(0, 2), (2, 4), (4, 6)])])
def test_pool_grid_averages_areas_that_cover_the_map(size, areas):
    maps = np.random.default_rng(0).normal(size=(2, size, size, 4)).astype("float32")
    expected = [maps[:, a:b, c:d].mean(axis=(1, 2)) for a, b in areas for c, d in areas]
    np.testing.assert_allclose(pool_grid(maps, 3), np.concatenate(expected, axis=1), atol=1e-6)


def test_views_of_an_encoder(small_cpc, photo_crops):
    model = small_cpc()
    views = EncoderViews(model)(photo_crops)
    grid = np.asarray(model.encode(photo_crops))
    assert {name: view.shape for name, view in views.items()} == {
        "mean": (12, 16),
        "grid2": (12, 64),
        "grid3": (12, 144),
        "map3": (12, 144),
        "grid3_map3": (12, 288),
    }
    np.testing.assert_allclose(views["mean"], grid.mean(axis=(1, 2)), atol=1e-5)
    whole = np.asarray(model.encoder(photo_crops))
    np.testing.assert_allclose(views["map3"], pool_grid(whole, 3), atol=1e-5)


def test_pixels_are_the_image_or_its_small_copy():
    images = np.random.default_rng(0).uniform(size=(2, 64, 64, 3)).astype("float32")
    assert PixelViews(64)(images)["pixels"].shape == (2, 64 * 64 * 3)
    small = PixelViews(32)(images)["pixels"].reshape(2, 32, 32, 3)
    np.testing.assert_allclose(small[:, 0, 0], images[:, :2, :2].mean(axis=(1, 2)), atol=1e-6)


def test_store_computes_each_image_once(images, tmp_path):
    seen = []

    def views(batch):
        seen.append(len(batch))
        return PixelViews()(batch)

    store = FeatureStore(tmp_path, crop=28)
    first = store.features("key", views, images, [5, 2, 9])
    again = FeatureStore(tmp_path, crop=28).features("key", views, images, [9, 1, 5])
    assert sum(seen) == 4
    everything = extract(PixelViews(), images, 28)["pixels"]
    np.testing.assert_array_equal(first["pixels"], everything[[5, 2, 9]])
    np.testing.assert_array_equal(again["pixels"], everything[[9, 1, 5]])
    store.features("other", views, images, [5])
    assert sum(seen) == 5


def test_features_leave_the_encoder_as_it_was(small_cpc, images):
    model = small_cpc()
    model.build((None, 28, 28, 1))
    before = weights_digest(model)
    extract(EncoderViews(model), images, 28)
    assert weights_digest(model) == before
    model.encoder.weights[0].assign_add(np.ones(model.encoder.weights[0].shape))
    assert weights_digest(model) != before

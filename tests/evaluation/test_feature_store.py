import shutil

import numpy as np
import pytest

from cpc_keras.data.image_set import from_arrays
from cpc_keras.evaluation.feature_store import FeatureStore
from cpc_keras.evaluation.features import PixelFeatures, extract


@pytest.fixture
def images(photo_crops):
    return from_arrays(photo_crops)


class Counting(PixelFeatures):
    """Counts images; after `limit` the power fails."""

    def __init__(self, limit=None):
        super().__init__()
        self.seen, self.limit = 0, limit

    def __call__(self, batch):
        self.seen += len(batch)
        if self.limit and self.seen > self.limit:
            raise KeyboardInterrupt
        return super().__call__(batch)


def test_each_image_is_computed_once(images, tmp_path):
    features = Counting()
    store = FeatureStore(tmp_path, features, images, crop=28)
    store.prepare([5, 2, 9])
    again = FeatureStore(tmp_path, features, images, crop=28)
    again.prepare([9, 1, 5])
    assert features.seen == 4
    everything = extract(PixelFeatures(), images, 28)["pixels"]
    np.testing.assert_array_equal(store.of([5, 2, 9])["pixels"], everything[[5, 2, 9]])
    np.testing.assert_array_equal(again.of(np.array([9, 1, 5, 9]))["pixels"], everything[[9, 1, 5, 9]])


def test_what_was_done_before_an_interruption_is_kept(images, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        FeatureStore(tmp_path, Counting(limit=6), images, crop=28, shard=3).prepare(np.arange(12))
    assert sorted(path.name[:11] for path in tmp_path.iterdir()) == ["shard-00000", "shard-00001"]
    features = Counting()
    store = FeatureStore(tmp_path, features, images, crop=28, shard=3)
    assert store.missing(np.arange(12)).tolist() == list(range(6, 12))
    store.prepare(np.arange(12))
    assert features.seen == 6
    np.testing.assert_array_equal(store.of(np.arange(12))["pixels"], extract(PixelFeatures(), images, 28)["pixels"])


def emptied(shard):
    (shard / "positions.npy").write_bytes(b"")


def cut(shard):
    file = shard / "pixels.npy"
    file.write_bytes(file.read_bytes()[:-8])


def gone(shard):
    (shard / "pixels.npy").unlink()


def of_other_images(shard):
    np.save(shard / "positions.npy", np.array([3, 4, 500]))


def fewer(shard):
    np.save(shard / "positions.npy", np.array([3, 4]))


def a_file(shard):
    shutil.rmtree(shard)
    shard.write_text("")


@pytest.mark.parametrize("damage", [emptied, cut, gone, of_other_images, fewer, a_file])
def test_a_shard_that_cannot_be_read_is_computed_again_in_its_place(damage, images, tmp_path, capsys):
    FeatureStore(tmp_path, PixelFeatures(), images, crop=28, shard=3).prepare(np.arange(9))
    before = sorted(tmp_path.iterdir())
    damage(before[1])
    features = Counting()
    store = FeatureStore(tmp_path, features, images, crop=28, shard=3)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"Note: {before[1]} cannot be read (")
    assert store.missing(np.arange(9)).tolist() == [3, 4, 5]
    store.prepare(np.arange(9))
    assert features.seen == 3
    assert sorted(tmp_path.iterdir()) == before
    np.testing.assert_array_equal(store.of(np.arange(9))["pixels"], extract(PixelFeatures(), images, 28)["pixels"][:9])
    assert not len(FeatureStore(tmp_path, features, images, crop=28).missing(np.arange(9)))

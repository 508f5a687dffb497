import gzip

import numpy as np
import pytest

from cpc_keras.data import open_source, source_splits
from cpc_keras.data.builders import fashion_mnist
from cpc_keras.data.builders.fashion_mnist import read_idx


def test_reads_idx_files(tmp_path):
    values = np.arange(24, dtype="uint8").reshape(2, 3, 4)
    header = b"\0\0\x08\x03" + np.array(values.shape, ">i4").tobytes()
    (tmp_path / "good.gz").write_bytes(gzip.compress(header + values.tobytes()))
    np.testing.assert_array_equal(read_idx(tmp_path / "good.gz"), values)
    (tmp_path / "short.gz").write_bytes(gzip.compress(header + values.tobytes()[:-1]))
    with pytest.raises(ValueError, match="must hold 24 values .* with 23"):
        read_idx(tmp_path / "short.gz")
    (tmp_path / "other.gz").write_bytes(gzip.compress(b"something else"))
    with pytest.raises(ValueError, match="`path` must be an IDX file of unsigned bytes"):
        read_idx(tmp_path / "other.gz")


def test_is_a_tfds_data_set_with_its_splits():
    assert source_splits("tfds:fashion_mnist") == ("test", "train")
    test = open_source("tfds:fashion_mnist", "test")
    assert len(test) == 10_000
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert test.class_names == fashion_mnist.CLASS_NAMES
    assert test.channels == 1


def test_pictures_and_labels_are_those_of_the_idx_files():
    train = open_source("tfds:fashion_mnist@train[:100]")
    raw = read_idx(fashion_mnist.folder() / "train-images-idx3-ubyte.gz")
    labels = read_idx(fashion_mnist.folder() / "train-labels-idx1-ubyte.gz")
    # TFDS shuffles when it writes: find each picture among the originals.
    place = {image.tobytes(): index for index, image in enumerate(raw)}
    for index in range(100):
        assert labels[place[train.read(index).tobytes()]] == train.labels[index]


def test_sub_splits_and_unknown_splits():
    part, whole = (open_source(f"tfds:fashion_mnist@{split}") for split in ("train[10%:15%]", "train"))
    assert len(part) == 3000
    assert part.ids == whole.ids[6000:9000]
    assert (part.read(7) == whole.read(6007)).all() and part.labels[7] == whole.labels[6007]
    both = open_source("tfds:fashion_mnist@train[:5]+test[-5:]")
    assert both.ids[4:6] == ["fashion_mnist/train/4", "fashion_mnist/test/9995"]
    with pytest.raises(ValueError, match="`data` must name a split out of .*train.* Received: .*@valid"):
        open_source("tfds:fashion_mnist@valid")

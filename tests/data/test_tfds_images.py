"""Data sets of mixed sizes, as ImageNet is: random access without unpacking them."""

import collections
import functools
import io
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from cpc_keras.data import open_source, source_splits
from cpc_keras.data.preparation import prepare
from cpc_keras.errors import InputError
from tests.data.wild_photographs import COUNTS, WildPhotographs, jpeg, pictures


@pytest.fixture(scope="module", params=["tfrecord", "array_record"])
def prepared(request, tmp_path_factory):
    """`TFDS_DATA_DIR` with the data set prepared in either file format."""
    folder = tmp_path_factory.mktemp("tfds")
    WildPhotographs(data_dir=folder, file_format=request.param).download_and_prepare()
    return folder


@pytest.fixture
def source(prepared, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tfds, "builder", functools.partial(tfds.builder, data_dir=prepared))
    return "tfds:wild_photographs"


def contents(images):
    return collections.Counter((images.read(i).tobytes(), int(images.labels[i])) for i in range(len(images)))


def test_every_image_is_there_with_its_label_and_size(source):
    images = open_source(source)
    expected = [(np.asarray(Image.open(io.BytesIO(jpeg(array)))), label) for array, label in pictures("train")]
    assert len(images) == COUNTS["train"] and images.class_names == ("china", "flower")
    assert {images.read(i).shape for i in range(20)} == {array.shape for array, _ in expected}
    assert [images.read(i).shape for i in range(20)] == [tuple(size) for size in images.sizes]
    found = {images.read(i).shape: (images.read(i), images.labels[i]) for i in range(20)}
    for array, label in expected:
        image, its_label = found[array.shape]
        assert its_label == label
        assert np.abs(image.astype(int) - array).mean() < 2.0  # JPEG decoders round differently
    assert source_splits(source) == ("train", "unlabelled", "validation")


def test_sizes_and_labels_are_read_once(source, monkeypatch):
    first = open_source(source)
    monkeypatch.setattr("cpc_keras.data.tfds_images.Image.open", lambda file: pytest.fail("read again"))
    again = open_source(source)
    np.testing.assert_array_equal(again.sizes, first.sizes)
    np.testing.assert_array_equal(again.labels, first.labels)


@pytest.mark.parametrize("damage", [lambda table: b"", lambda table: table[:-9], lambda table: b"no table", None])
def test_sizes_that_cannot_be_read_are_read_again(damage, source, tmp_path, capsys):
    first = open_source(source)
    (kept,) = (tmp_path / "cache" / "cpc_keras").glob("*.npy")
    if damage:
        kept.write_bytes(damage(kept.read_bytes()))
    else:
        np.save(kept, np.load(kept)[1:])
    again = open_source(source)
    assert f"Note: {kept} cannot be read" in capsys.readouterr().out
    np.testing.assert_array_equal(again.sizes, first.sizes)
    np.testing.assert_array_equal(open_source(source).labels, first.labels)
    assert capsys.readouterr().out == ""


def test_a_split_whose_labels_are_missing_has_none(source):
    images = open_source(f"{source}@unlabelled")
    assert len(images) == 4 and images.labels is None and images.class_names is None


def test_who_prepares_it_second_takes_what_the_first_has_prepared(monkeypatch, tmp_path):
    place = tmp_path / "tfds"
    monkeypatch.setattr(tfds, "builder", functools.partial(tfds.builder, data_dir=place))
    others, generate = [WildPhotographs(data_dir=place)], WildPhotographs._generate_examples

    def generate_late(self, *given):
        if others:
            others.pop().download_and_prepare()
        yield from generate(self, *given)

    monkeypatch.setattr(WildPhotographs, "_generate_examples", generate_late)
    assert len(open_source("tfds:wild_photographs")) == COUNTS["train"]
    assert not others and len(list((place / "wild_photographs").iterdir())) == 1  # nothing half-written


def test_a_cut_file_is_one_line(prepared, source, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(prepared, copy)
    monkeypatch.setattr(tfds, "builder", functools.partial(tfds.builder, data_dir=copy))
    (record,) = copy.rglob("*-train.*record-00000-of-00001")
    record.write_bytes(record.read_bytes()[:-200])
    with pytest.raises(InputError, match="`data` must be whole on the disk. Received: tfds:wild_photographs") as error:
        open_source(source)
    assert "\n" not in str(error.value)


def test_parts_of_a_split(source):
    whole = contents(open_source(source))
    first, rest = (contents(open_source(f"{source}@train[{part}]")) for part in (":5", "5:"))
    assert sum(first.values()) == 5
    assert first + rest == whole


def test_what_does_not_fit_into_memory_is_read_when_asked_for(source, monkeypatch):
    kept = prepare(open_source(source), channels=1, short_side=32)
    monkeypatch.setattr("cpc_keras.data.preparation._CACHE_SHARE", 0.0)
    images = open_source(source)
    reads = []
    images.read = lambda i, read=images.read: reads.append(i) or read(i)
    lazy = prepare(images, channels=1, short_side=32)
    assert not reads
    assert (lazy.sizes[:, :2].min(axis=1) == 32).all()
    for position in (0, 7, 19):
        assert lazy.read(position).shape == tuple(lazy.sizes[position])
        np.testing.assert_array_equal(lazy.read(position), kept.read(position))

import numpy as np
import pytest
from PIL import Image

from cpc_keras.data import image_set
from cpc_keras.data.image_set import ImageSet, prepare, to_float
from cpc_keras.errors import InputError


@pytest.fixture
def images(photographs):
    arrays = [
        photographs[0][:50, :80],
        photographs[1][:90, :60],
        photographs[0][:40, :40, :1],
        (photographs[1][:44, :30, :1].astype("uint16") * 257),
    ]
    return ImageSet(
        "test",
        "all",
        list("abcd"),
        arrays.__getitem__,
        np.array([a.shape for a in arrays]),
        np.arange(4),
        tuple("wxyz"),
    )


def test_channels_are_one_only_if_all_are_grey(images):
    assert images.channels == 3
    assert images.subset([2, 3]).channels == 1


def test_subset_keeps_the_order_given(images):
    part = images.subset([3, 0])
    assert part.ids == ["d", "a"]
    assert part.labels.tolist() == [3, 0]
    np.testing.assert_array_equal(part.read(1), images.read(0))


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_prepare_resizes_the_short_side_and_converts(images, channels, cached, monkeypatch):
    monkeypatch.setattr(image_set, "_CACHE_SHARE", 1.0 if cached else 0.0)
    ready = prepare(images, channels, short_side=32)
    assert ready.sizes.tolist() == [
        [32, 51, channels],
        [48, 32, channels],
        [32, 32, channels],
        [47, 32, channels],
    ]
    for index in range(4):
        assert ready.read(index).shape == tuple(ready.sizes[index])
        if channels == images.sizes[index, 2] and images.read(index).dtype == np.uint8:
            height, width = ready.sizes[index, :2]
            for plane, resized in zip(
                np.moveaxis(images.read(index), 2, 0), np.moveaxis(ready.read(index), 2, 0), strict=True
            ):
                alone = Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
                np.testing.assert_array_equal(resized, alone)
    assert ready.read(3).dtype == np.uint16
    assert to_float(ready.read(3)).mean() == pytest.approx(to_float(images.read(3)).mean(), abs=0.02)


def test_prepare_reads_each_image_once(images):
    reads = []
    counted = ImageSet(
        "test", "all", images.ids, lambda i: reads.append(i) or images.read(i), images.sizes, images.labels
    )
    ready = prepare(counted, 3, short_side=16)
    for index in (0, 1, 2, 3, 0):
        ready.read(index)
    assert sorted(reads) == [0, 1, 2, 3]


def test_prepare_names_bad_images_and_goes_on(images):
    def read(index):
        if index == 1:
            raise OSError("is truncated")
        return images.read(index)

    damaged = ImageSet("test", "all", images.ids, read, images.sizes, images.labels)
    ready = prepare(damaged, 3, max_bad_share=0.3)
    assert ready.ids == ["a", "c", "d"]
    assert ready.labels.tolist() == [0, 2, 3]
    assert [(bad.path, bad.reason) for bad in ready.bad_files] == [("b", "is truncated")]
    with pytest.raises(InputError, match=r"share of 0.1 .*1 bad files of 4, such as b: is truncated"):
        prepare(damaged, 3, max_bad_share=0.1)


def test_prepare_keeps_the_order_of_many(photo_crops):
    """Threads take them in pieces, of which the last is smaller."""
    crops = np.concatenate([photo_crops] * 4)[: 2 * image_set._PIECE + 5]

    def read(index):
        if index == image_set._PIECE:
            raise OSError("is truncated")
        return crops[index]

    ids = [str(index) for index in range(len(crops))]
    ready = prepare(ImageSet("test", "all", ids, read, np.tile([28, 28, 1], (len(crops), 1))), 1)
    good = np.delete(np.arange(len(crops)), image_set._PIECE)
    assert ready.ids == [ids[index] for index in good]
    np.testing.assert_array_equal([ready.read(index) for index in range(len(ready))], crops[good])


@pytest.mark.parametrize("error", [MemoryError(), OSError("out of memory when reading image file")])
def test_where_memory_runs_out_the_cache_is_given_up_and_no_image(images, error):
    reads = []

    def read(index):
        reads.append(index)
        if index == 2 and reads.count(2) == 1:
            raise error
        if index == 3:
            raise MemoryError("is too large by itself")
        return images.read(index)

    small = ImageSet("test", "all", images.ids, read, images.sizes, images.labels)
    ready = prepare(small, 1, short_side=32, max_bad_share=0.3)
    assert ready.ids == ["a", "b", "c"]
    assert ready.sizes.tolist() == [[32, 51, 1], [48, 32, 1], [32, 32, 1]]
    assert [(bad.path, bad.reason) for bad in ready.bad_files] == [("d", "is too large by itself")]
    before = len(reads)
    assert ready.read(1).shape == (48, 32, 1)
    assert len(reads) == before + 1

import numpy as np
import pytest
from PIL import Image

from cpc_keras.data import preparation
from cpc_keras.data.image_set import ImageSet, to_float
from cpc_keras.data.preparation import is_tiny, prepare, without_tiny
from cpc_keras.errors import InputError


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_prepare_resizes_the_short_side_and_converts(images, channels, cached, monkeypatch):
    monkeypatch.setattr(preparation, "_CACHE_SHARE", 1.0 if cached else 0.0)
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
    crops = np.concatenate([photo_crops] * 4)[: 2 * preparation._PIECE + 5]

    def read(index):
        if index == preparation._PIECE:
            raise OSError("is truncated")
        return crops[index]

    ids = [str(index) for index in range(len(crops))]
    ready = prepare(ImageSet("test", "all", ids, read, np.tile([28, 28, 1], (len(crops), 1))), 1)
    good = np.delete(np.arange(len(crops)), preparation._PIECE)
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


def test_tiny_images_are_bad_ones(images):
    images.sizes = np.array([[50, 80, 3], [4000, 1, 3], [40, 40, 1], [6, 6, 1]])
    kept = without_tiny(images, 28, max_bad_share=0.5)
    assert kept.ids == ["a", "c"]
    assert [bad.reason for bad in kept.bad_files] == [
        "has 4000 × 1 px, far below the 28 px that are needed",
        "has 6 × 6 px, far below the 28 px that are needed",
    ]
    with pytest.raises(InputError, match=r"2 bad files of 4, such as b: has 4000 × 1 px"):
        without_tiny(images, 28, max_bad_share=0.1)
    assert not is_tiny((7, 7), 28)

import dataclasses

import numpy as np


def test_channels_are_one_only_if_all_are_grey(images):
    assert images.channels == 3
    assert images.subset([2, 3]).channels == 1


def test_contents_are_the_same_wherever_they_lie(images):
    before = dataclasses.replace(images, ids=["a/x/1", "a/x/2", "a/y/1", "a/z"]).contents
    assert dataclasses.replace(images, ids=["/b/c/x/1", "/b/c/x/2", "/b/c/y/1", "/b/c/z"]).contents == before
    assert dataclasses.replace(images, ids=["/b/x/1", "/b/x/2", "/b/y/1", "c"]).contents != before  # as a CSV may
    assert before["count"] == 4


def test_subset_keeps_the_order_given(images):
    part = images.subset([3, 0])
    assert part.ids == ["d", "a"]
    assert part.labels.tolist() == [3, 0]
    np.testing.assert_array_equal(part.read(1), images.read(0))

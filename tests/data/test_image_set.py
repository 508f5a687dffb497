import numpy as np


def test_channels_are_one_only_if_all_are_grey(images):
    assert images.channels == 3
    assert images.subset([2, 3]).channels == 1


def test_subset_keeps_the_order_given(images):
    part = images.subset([3, 0])
    assert part.ids == ["d", "a"]
    assert part.labels.tolist() == [3, 0]
    np.testing.assert_array_equal(part.read(1), images.read(0))

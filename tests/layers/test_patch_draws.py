import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.layers.patch_draws import PatchDraws, threefry_2x32

ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((ONES, ONES), (ONES, ONES), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_known_answers_of_random123(key, counter, expected):
    assert tuple(int(word) for word in threefry_2x32(key, counter)) == expected


def draws(**changes):
    return PatchDraws(**{"seed": 3, "step": 7, "images": 20, "rows": 5, "cols": 4, **changes})


@pytest.mark.parametrize("changes", [{"seed": 4}, {"step": 8}, {"replica_offset": 1}])
def test_seed_step_and_image_change_everything(changes):
    one, two = (np.asarray(these.uniform("a", 0.0, 1.0)) for these in (draws(), draws(**changes)))
    assert (one != two).mean() > 0.99


def test_each_name_has_numbers_of_its_own_whatever_else_is_drawn():
    these = draws()
    first = np.asarray(these.uniform("a", 0.0, 1.0))
    other = np.asarray(these.uniform("b", 0.0, 1.0, (3,)))
    assert abs(np.corrcoef(first, other[:, 0])[0, 1]) < 0.2
    np.testing.assert_array_equal(these.uniform("a", 0.0, 1.0), first)


def test_a_split_batch_draws_what_the_whole_one_does():
    whole = np.asarray(draws().uniform("a", -1.0, 1.0, (2, 3)))
    parts = [
        np.asarray(draws(images=n, replica_offset=first).uniform("a", -1.0, 1.0, (2, 3)))
        for first, n in ((0, 8), (8, 12))
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_same_bits_eagerly_in_a_graph_under_xla_and_with_a_tensor_for_a_step():
    expected = np.asarray(draws().uniform("a", 0.0, 1.0, (5,)))
    for compiled in (False, True):
        function = tf.function(lambda step: draws(step=step).uniform("a", 0.0, 1.0, (5,)), jit_compile=compiled)
        np.testing.assert_array_equal(function(tf.constant(7, tf.int64)), expected)


def test_numbers_are_even_and_independent():
    values = np.asarray(draws(images=500, rows=4, cols=5).uniform("a", 0.0, 1.0, (4,)))  # 40,000 numbers
    assert values.min() >= 0.0 and values.max() < 1.0
    counts, _ = np.histogram(values, bins=20, range=(0, 1))
    chi_squared = ((counts - values.size / 20) ** 2 / (values.size / 20)).sum()
    assert chi_squared < 43.8  # 99.9 % of 19 degrees of freedom
    for one, two in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1]), (values[20:], values[:-20])):
        assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.02


def test_happens_at_its_rate_and_integers_are_even():
    these = draws(images=500)
    assert np.asarray(these.happens("a", 0.3)).mean() == pytest.approx(0.3, abs=0.02)
    counts = np.bincount(np.asarray(these.integer("b", 4)), minlength=4)
    assert len(counts) == 4 and counts / counts.sum() == pytest.approx(0.25, abs=0.02)

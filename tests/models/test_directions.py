import numpy as np
import pytest

from cpc_keras.models.directions import QUARTER_TURNS, check_prediction, rotate_grid


@pytest.mark.parametrize("direction", QUARTER_TURNS)
def test_four_quarter_turns_are_none_and_each_is_numpys(direction):
    grid = np.arange(2 * 3 * 4 * 2).reshape(2, 3, 4, 2)
    turns = QUARTER_TURNS[direction]
    np.testing.assert_array_equal(rotate_grid(grid, turns), np.rot90(grid, turns, axes=(1, 2)))
    np.testing.assert_array_equal(rotate_grid(rotate_grid(grid, turns), -turns), grid)


@pytest.mark.parametrize(("offsets", "message"), [((0,), "from 1 on"), ((2, 2), "distinct"), ((), "distinct")])
def test_refuses_offsets_that_are_not_ahead(offsets, message):
    with pytest.raises(ValueError, match=message):
        check_prediction(5, 5, ("down",), offsets)

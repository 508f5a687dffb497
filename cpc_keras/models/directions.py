"""Directions of prediction: how a grid is turned so that each runs downwards."""

from keras import ops

# Quarter turns (counter-clockwise) that make a direction run downwards: the
# context network and the predictors only ever look down.
QUARTER_TURNS = {"down": 0, "right": 3, "up": 2, "left": 1}


def rotate_grid(grid, quarter_turns):
    """Turns `[B, rows, cols, ...]` counter-clockwise by quarter turns.

    Example:

    >>> import numpy as np
    >>> grid = np.array([[[1, 2], [3, 4]]])
    >>> np.asarray(rotate_grid(grid, 1)).tolist()
    [[[2, 4], [1, 3]]]
    """
    for _ in range(quarter_turns % 4):
        grid = ops.flip(ops.swapaxes(grid, 1, 2), axis=1)
    return grid


def check_prediction(rows, cols, directions, offsets):
    """Raises `ValueError` unless every direction and offset fits the grid.

    Args:
        rows: Rows of the patch grid.
        cols: Columns of the patch grid.
        directions: Names out of `"down"`, `"up"`, `"right"`, `"left"`.
        offsets: Patches ahead, counted from 1.

    Example:

    >>> check_prediction(5, 5, ("down",), (2, 5))
    Traceback (most recent call last):
    ValueError: `offsets` must lie in [1, 4] for direction 'down' on a grid of 5 × 5 patches. \
Received: offsets=(2, 5)
    """
    check_names(directions, offsets)
    for direction in directions:
        ahead = cols if QUARTER_TURNS[direction] % 2 else rows
        if max(offsets) > ahead - 1:
            raise ValueError(
                f"`offsets` must lie in [1, {ahead - 1}] for direction {direction!r} on a grid of "
                f"{rows} × {cols} patches. Received: offsets={tuple(offsets)}"
            )


def check_names(directions, offsets):
    """Raises `ValueError` unless directions are known and distinct, and offsets whole, distinct and ahead."""
    unknown = [direction for direction in directions if direction not in QUARTER_TURNS]
    if unknown or not directions or len(set(directions)) != len(directions):
        raise ValueError(
            f"`directions` must be distinct names out of {tuple(QUARTER_TURNS)}. "
            f"Received: directions={tuple(directions)}"
        )
    whole = all(int(offset) == offset and offset >= 1 for offset in offsets)
    if not whole or not offsets or len(set(offsets)) != len(offsets):
        raise ValueError(f"`offsets` must be distinct whole numbers from 1 on. Received: offsets={tuple(offsets)}")

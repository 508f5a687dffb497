import pytest

from cpc_keras.describing.grid_drawing import draw_grid, draw_ruler


def lines(text):
    return [line.strip() for line in text.strip().splitlines()]


def test_five_by_five_downwards():
    assert draw_grid(5, 5, "down", (2, 3), context_blocks=5).splitlines() == [
        "▒ ▒ ▒ ▒ ▒",
        "▒ ▒ Q ▒ ▒",
        "· · · · ·",
        "· · 2 · ·",
        "· · 3 · ·",
    ]


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("up", ["· · 3 · ·", "· · · · ·", "· · · · ·", "· ▒ Q ▒ ·", "· ▒ ▒ ▒ ·"]),
        ("right", ["· · · · ·", "▒ ▒ · · ·", "▒ Q · · 3", "▒ ▒ · · ·", "· · · · ·"]),
        ("left", ["· · · · ·", "· · · ▒ ▒", "3 · · Q ▒", "· · · ▒ ▒", "· · · · ·"]),
    ],
)
def test_other_directions_are_turned(direction, expected):
    assert draw_grid(5, 5, direction, (3,), context_blocks=1).splitlines() == expected


def test_a_grid_that_is_not_square():
    assert draw_grid(3, 4, "right", (1,), context_blocks=1).splitlines() == ["· ▒ ▒ ·", "· ▒ Q 1", "· ▒ ▒ ·"]


def test_numbers_of_two_digits_keep_columns():
    drawn = draw_grid(12, 3, "down", (2, 10), context_blocks=1).splitlines()
    assert {len(line) for line in drawn} == {8}
    assert drawn[1] == " ▒  Q  ▒"
    assert drawn[11] == " · 10  ·"


def test_the_context_drawn_is_the_context_seen():
    """What a context network of two blocks sees, by changing one cell at a time."""
    import numpy as np

    from cpc_keras.models import ContextNetwork

    rows, cols, blocks = 6, 6, 2
    drawn = [line.split() for line in draw_grid(rows, cols, "down", (1,), blocks).splitlines()]
    (query,) = [(row, col) for row in range(rows) for col in range(cols) if drawn[row][col] == "Q"]
    network = ContextNetwork(blocks=blocks, width=8)
    grid = np.random.default_rng(0).normal(size=(1, rows, cols, 8)).astype("float32")
    before = np.asarray(network(grid))[0, *query]
    for row in range(rows):
        for col in range(cols):
            changed = grid.copy()
            changed[0, row, col] += 10.0
            seen = not np.array_equal(np.asarray(network(changed))[0, *query], before)
            assert seen == (drawn[row][col] in "▒Q"), (row, col)


def test_ruler():
    assert lines(draw_ruler(28, 12, 8, (2,))) == [
        "patch 0 ████████████                 px 0–11",
        "patch 1         ▒▒▒▒████████         px 8–19   offset 1: 4 px shared",
        "patch 2                 ████████████ px 16–27  offset 2: none shared, predicted",
    ]


def test_a_long_ruler_is_scaled_down():
    drawn = lines(draw_ruler(260, 80, 36, (2, 3), width=26))
    assert drawn[0] == "patch 0 ████████                   px 0–79"
    assert drawn[2].endswith("px 72–151   offset 2: 8 px shared, predicted")
    assert drawn[3].endswith("px 108–187  offset 3: none shared, predicted")
    assert drawn[5].split(" px ")[0] == "patch 5                   ████████"

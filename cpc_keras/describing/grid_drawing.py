"""Drawings in text: the grid of patches, and how patches overlap."""

import numpy as np

from cpc_keras.models.directions import QUARTER_TURNS

UNSEEN, CONTEXT, QUERY = "·", "▒", "Q"
_NEW, _SHARED = "█", "▒"


def draw_grid(rows, cols, direction, offsets, context_blocks):
    """What one prediction sees, and what it predicts.

    Args:
        rows: Rows of the patch grid.
        cols: Columns of the patch grid.
        direction: The direction of prediction.
        offsets: Patches ahead, counted from 1.
        context_blocks: Blocks of the context network; each sees one row further
            behind, and one column further to either side.

    Returns:
        A line for each row: `Q` is the query, `▒` what else its context sees, a
        number a patch that it predicts so many ahead, `·` any other.

    Example:

    >>> print(draw_grid(4, 5, "down", (2,), context_blocks=1))
    · ▒ ▒ ▒ ·
    · ▒ Q ▒ ·
    · · · · ·
    · · 2 · ·
    """
    turns = QUARTER_TURNS[direction]
    ahead, across = (cols, rows) if turns % 2 else (rows, cols)
    row, col = ahead - 1 - max(offsets), across // 2
    # In the frame in which the direction runs downwards.
    grid = np.full((ahead, across), UNSEEN, dtype=object)
    grid[max(0, row - context_blocks) : row + 1, max(0, col - context_blocks) : col + context_blocks + 1] = CONTEXT
    grid[row, col] = QUERY
    for k in offsets:
        grid[row + k, col] = str(k)
    width = max(len(cell) for cell in grid.flat)
    return "\n".join(" ".join(cell.rjust(width) for cell in line) for line in np.rot90(grid, -turns))


def draw_ruler(crop, patch_size, stride, offsets, width=52):
    """Patches along one side of the image, under each other.

    Args:
        crop: Side of the image in pixels.
        patch_size: Side of a patch in pixels.
        stride: Pixels from patch to patch.
        offsets: Patches ahead that are predicted; they are marked.
        width: Characters for the whole side, at most one for each pixel.

    Returns:
        A line for each patch: `▒` where it covers pixels of patch 0, `█` where
        it does not; then its pixels, and how many of them it shares.

    Example:

    >>> print(draw_ruler(crop=10, patch_size=4, stride=3, offsets=(2,)))
    patch 0 ████       px 0–3
    patch 1    ▒███    px 3–6    offset 1: 1 px shared
    patch 2       ████ px 6–9    offset 2: none shared, predicted
    """
    width = min(width, crop)
    count = (crop - patch_size) // stride + 1
    lines = []
    for index in range(count):
        start = index * stride
        shared = max(0, patch_size - start) if index else 0
        edges = [round(pixel * width / crop) for pixel in (start, start + shared, start + patch_size)]
        bar = " " * edges[0] + _SHARED * (edges[1] - edges[0]) + _NEW * (edges[2] - edges[1])
        note = f"offset {index}: {f'{shared} px' if shared else 'none'} shared" if index else ""
        if index in offsets:
            note += ", predicted"
        pixels = f"{start}–{start + patch_size - 1}".ljust(2 * len(str(crop)) + 1)
        lines.append(f"patch {index:<{len(str(count - 1))}} {bar.ljust(width)} px {pixels}  {note}".rstrip())
    return "\n".join(lines)

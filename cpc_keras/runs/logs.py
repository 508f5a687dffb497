"""The logs of a run, CSV files with a row a step: read as far as they can be, and cut back."""

import math
import re

from cpc_keras.storage.atomic import write_text
from cpc_keras.storage.reading import note, readable

# A loss is still falling if so much of what it has won over chance came in the second half of the steps, where the log
# has so many rows at least.
_LATE, _ROWS = 0.1, 4


def is_number(text):
    """Whether a cell holds a finite number, or nothing."""
    try:
        return not text or math.isfinite(float(text))
    except ValueError:
        return False


def is_digest(text):
    """Whether a cell holds hexadecimal digits."""
    return re.fullmatch("[0-9a-f]+", text) is not None


def read_rows(path, fits, columns=("step",)):
    """The rows of a log that can be read, by rising step; of two of the same step the last.

    Lines that were cut or garbled are left out, which is said.

    Args:
        path: The file, whose first column is `step`.
        fits: Function from the text of another cell to whether that can be one.
        columns: Its columns, where the line that names them is damaged.

    Returns:
        A list of dictionaries from column to text; an empty one if there is no such
        file.
    """
    text = readable(path, lambda file: file.read_bytes().decode("utf-8", "replace")) or ""
    first, *lines = text.splitlines(keepends=True) or [""]
    names = first.strip().split(",")
    if names[0] != "step":
        names = list(columns)
    rows, damaged = {}, 0
    for line in filter(str.strip, lines):
        cells = line.strip().split(",")
        whole = line.endswith("\n") and len(cells) == len(names) and re.fullmatch("[0-9]+", cells[0])
        if whole and all(map(fits, cells[1:])):
            rows[int(cells[0])] = dict(zip(names, cells, strict=True))
        else:
            damaged += 1
    if damaged:
        note(f"{path}: {damaged} of {len(lines)} lines cannot be read and are left out.")
    return [rows[step] for step in sorted(rows)]


def keep_rows(path, columns, step, fits):
    """Starts a log, or cuts it back.

    Rows after `step` were written by a run that was stopped before its next
    checkpoint; the steps they tell of are about to be taken again.

    Args:
        path: The file.
        columns: Names of its columns, the first one `step`.
        step: Step that is gone on from.
        fits: As for `read_rows`.
    """
    kept = [row for row in read_rows(path, fits, columns) if int(row["step"]) <= step]
    lines = [columns, *([row.get(name, "") for name in columns] for row in kept)]
    write_text(path, "".join(",".join(line) + "\n" for line in lines))


def still_falling(rows, steps):
    """What to do about a loss that was still falling at the end of its run, in two sentences; nothing if it was not.

    Args:
        rows: Those of `metrics.csv`, by rising step: dictionaries with `"step"`,
            `"loss"` and `"chance"`.
        steps: Those of the run; nothing is said of one that is not finished.

    Example:

    >>> rows = [{"step": 10 * n, "loss": 6 - n / 4, "chance": 6.0} for n in range(1, 9)]
    >>> print(still_falling(rows, steps=80))
    The loss was still falling: of the 2.00 that it came below chance, 1.00 fell to the second half of the steps. More
    steps will help: the same `cpc-keras pretrain` with --set steps=160 goes on with this run.
    """
    rows = [row for row in rows if {"step", "loss", "chance"} <= set(row)]
    if len(rows) < _ROWS or rows[-1]["step"] < steps:
        return ""
    last = rows[-1]
    half = min(rows, key=lambda row: abs(row["step"] - last["step"] / 2))
    won, late = last["chance"] - last["loss"], half["loss"] - last["loss"]
    if won <= 0 or late < _LATE * won:
        return ""
    return (
        f"The loss was still falling: of the {won:.2f} that it came below chance, {late:.2f} fell to the second half "
        "of the steps. More steps will help: the same `cpc-keras pretrain` with "
        f"--set steps={2 * last['step']:.0f} goes on with this run."
    )

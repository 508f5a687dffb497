"""Tables on terminals of any width."""

import io

import pytest
from rich.console import Console

from cpc_keras.tables import Cell, Table


def printed(width):
    table = Table(("method", "5 labels a class", "10 labels a class"), "Accuracy")
    table.add("linear", Cell("71.2", "(69.0–73.1)"), "")
    table.add("", "65.0", "70.1 (68.0–72.0)")
    console = Console(file=io.StringIO(), width=width, soft_wrap=True)
    console.print(table.rich())
    return console.file.getvalue()


@pytest.mark.parametrize("width", [1, 10, 24])
def test_a_table_that_is_too_wide_is_a_line_a_cell(width):
    assert printed(width).splitlines() == [
        "Accuracy",
        "linear",
        "  5 labels a class: 71.2 (69.0–73.1)",
        "  5 labels a class: 65.0",
        "  10 labels a class: 70.1 (68.0–72.0)",
    ]


@pytest.mark.parametrize("width", [40, 80])
def test_one_that_fits_is_a_table(width):
    lines = printed(width).splitlines()
    assert not any(": " in line for line in lines)
    assert "(69.0–73.1)" in "".join(lines)
    assert all(len(line) <= width for line in lines)

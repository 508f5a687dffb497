import pytest

from cpc_keras.cli.console import plain_console
from cpc_keras.tables import Table


@pytest.mark.parametrize(("columns", "width"), [("0", 80), ("5", 80), ("40", 40), ("-3", 80), ("wide", 80)])
def test_lines_have_a_width_that_somebody_can_have_meant(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERM", "dumb")
    assert plain_console().width == width


@pytest.mark.parametrize(("kernel", "terminal"), [("123", False), (None, True)])
def test_a_notebook_keeps_lines_not_bars(monkeypatch, kernel, terminal):
    """What a cell starts by `!` has a terminal, and every frame of a bar would stay on the page."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # for rich, a terminal
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    if kernel:
        monkeypatch.setenv("JPY_PARENT_PID", kernel)
    assert plain_console().is_terminal == terminal


def test_a_log_has_room_for_tables(monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    table = Table(("method", *(f"{count} a class" for count in (1, 2, 5, 10, 60, 600))), "Accuracy")
    table.add("CPC, frozen, linear probe", *["71.2 (69.0–73.1)"] * 6)
    plain_console().print(table.rich())
    assert "linear probe" + 6 * "  71.2 (69.0–73.1)" in capsys.readouterr().out

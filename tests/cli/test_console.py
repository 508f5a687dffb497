import pytest

from cpc_keras.cli.console import plain_console


@pytest.mark.parametrize(("columns", "width"), [("0", 80), ("5", 80), ("40", 40), ("-3", 80), ("wide", 80)])
def test_lines_have_a_width_that_somebody_can_have_meant(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERM", "dumb")
    assert plain_console().width == width

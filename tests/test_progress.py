import datetime
import io
import time

import pytest
from rich.console import Console

from cpc_keras import progress
from cpc_keras.progress import Heartbeat, ProgressBars, clock, ending, waiting


def lines(console):
    return console.file.getvalue().splitlines()


@pytest.fixture
def console(monkeypatch):
    """One that is no terminal, and a silence that a test can wait for."""
    monkeypatch.setattr(progress, "_SILENCE", 0.05)
    return Console(file=io.StringIO(), width=200)


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


def test_a_log_hears_how_far_a_task_is_and_when_it_ends(console):
    with ProgressBars(console) as bars:
        bars.start("fits", 40)
        for _ in range(3):
            bars.advance(5)
            time.sleep(0.01)
        wait_until(lambda: lines(console))
    assert lines(console)[0].startswith("fits: 15 of 40, ends at about ")
    assert lines(console)[0].endswith(" left)")
    said = len(lines(console))
    time.sleep(0.1)
    assert len(lines(console)) == said  # none after the end


def test_a_log_hears_of_long_preparations(console):
    with waiting(console, "Opening the images"):
        wait_until(lambda: len(lines(console)) > 1)
    assert lines(console)[:2] == ["Opening the images.", "Opening the images: 0 s so far."]
    with ProgressBars(console):
        wait_until(lambda: "At work for " in lines(console)[-1])


def test_whoever_spoke_is_left_alone():
    heard = []
    with Heartbeat(lambda: heard.append(time.monotonic()), silence=0.2) as heartbeat:
        for _ in range(40):
            heartbeat.spoke()
            time.sleep(0.01)
        assert not heard


def test_nobody_is_told_where_nothing_is_to_be_shown(monkeypatch):
    monkeypatch.setattr(progress, "_SILENCE", 0.01)
    quiet = Console(quiet=True, file=io.StringIO())
    with ProgressBars(quiet) as bars:
        assert bars.progress._heartbeat is None


def test_a_terminal_has_bars_that_say_when_they_end(monkeypatch):
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120)
    with ProgressBars(terminal) as bars:
        bars.start("fits", 40)
        for _ in range(3):
            bars.advance(5)
            time.sleep(0.01)
        bars.progress.refresh()
    assert "15/40" in terminal.file.getvalue() and "ends at about" in terminal.file.getvalue()


def test_a_narrow_terminal_has_one_line_a_task():
    terminal = Console(file=io.StringIO(), force_terminal=True, width=40, color_system=None)
    with ProgressBars(terminal) as bars:
        bars.start("Features of cpc", 7000)
        bars.advance(1200)
        bars.progress.refresh()
    assert "Features of cpc 1200/7000" in terminal.file.getvalue()


def test_the_end_is_a_time_of_day_and_another_day_has_a_date():
    evening = datetime.datetime(2024, 12, 31, 23, 30)
    assert clock(600, evening) == "23:40"
    assert clock(3600, evening) == "00:30 on 1 Jan"
    assert ending(None) == ""
    assert ending(90).endswith(" (2 min left)")

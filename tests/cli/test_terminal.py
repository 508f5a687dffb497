import io

import pytest

from cpc_keras.cli.terminal import PlainConsole
from cpc_keras.progress import LoggedProgress
from tests.wild_names import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_names_command_no_terminal(name):
    file = io.StringIO()
    console = PlainConsole(file=file, width=60)
    console.print(f"Opening {name}:\nimages")
    with LoggedProgress(console) as progress:
        progress.add_task(name, total=2)
        progress._line()
    said = file.getvalue()
    said.encode()
    assert said.count("\n") == 3
    assert "\x1b" not in said and "\t" not in said
    if name.isprintable():
        assert said.count(name) == 2


def test_bars_show_names_without_commands():
    file = io.StringIO()
    console = PlainConsole(file=file, width=200, force_terminal=True)
    with LoggedProgress(console) as progress:
        progress.add_task("[b]a\x1b[31m\udce9", total=2)
    assert r"[b]a\x1b[31m\xe9" in file.getvalue()

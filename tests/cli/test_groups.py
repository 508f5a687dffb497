import os
import shlex

import pytest
import typer

from cpc_keras.cli.app import COMMANDS, app
from cpc_keras.cli.version import version_words
from cpc_keras.config.files import load_recipe
from tests.commands import cpc_keras


def command_of(words):
    """The command that a line calls, with its options, as Typer sees it."""
    known = typer.main.get_command(app).commands
    return known[words[1]]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    return cpc_keras("--help", cwd=tmp_path_factory.mktemp("nowhere"), code=0).stdout


def test_help_lists_every_command_under_its_heading(shown):
    lines = shown.splitlines()
    headings = [line.rstrip(":") for line in lines if line and not line.startswith(" ") and line.endswith(":")]
    assert headings == ["Options", "Train", "Label", "Look", "Use", "Search"]
    for heading, function, *_ in COMMANDS:
        section = shown.split(f"\n{heading}:\n")[1].split("\n\n")[0]
        assert f"\n  {function.__name__} " in f"\n{section}"


@pytest.mark.parametrize(("_heading", "function", "example", "_more"), COMMANDS)
def test_every_command_has_an_example_of_itself(_heading, function, example, _more):
    words = shlex.split(example)
    assert words[:2] == ["cpc-keras", function.__name__]
    command = command_of(words)
    assert example in command.epilog
    # Every option is one of the command's; workers are given those of another.
    own = words[: words.index("pretrain")] if function.__name__ == "launch" else words
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in own if word.startswith("--")} <= options


def test_the_example_stands_in_the_help_of_a_command(tmp_path):
    told = cpc_keras("select", "--help", cwd=tmp_path, code=0).stdout
    assert told.rstrip().splitlines()[-2:] == ["  Example:", "    cpc-keras select runs/mine --count 50"]


def test_version(tmp_path):
    assert cpc_keras("--version", cwd=tmp_path, code=0).stdout == f"{version_words()}\n"


def test_a_former_name_is_said_to_go(tmp_path):
    """Once, on standard error; the value counts."""
    (tmp_path / "old.py").write_text("patch_greyscale = 0.5\nsteps = 1\n")
    done = cpc_keras("fields", "old.py", cwd=tmp_path, code=0)
    assert (
        done.stderr == "Note: 'patch_greyscale' is called 'patch_grayscale' now; the old name goes with version 0.2.\n"
    )
    assert "patch_grayscale" in done.stdout and "0.5" in done.stdout
    with pytest.warns(FutureWarning, match="'patch_greyscale' is called 'patch_grayscale'"):
        load_recipe(str(tmp_path / "old.py"))
    done = cpc_keras("detect", "nowhere", "--trunk", "cpc", cwd=tmp_path, code=2)
    assert done.stderr.startswith("Note: '--trunk' is called '--backbone' now; the old name goes with version 0.2.\n")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [("cpc-keras ins", ["inspect"]), ("cpc-keras pretrain fas", ["fashion_mnist", "fashion_mnist_large"])],
)
def test_a_shell_completes_commands_and_recipes(shell, line, expected, tmp_path):
    asked = {"_CPC_KERAS_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line}
    asked |= {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    told = cpc_keras(cwd=tmp_path, env={**os.environ, **asked}).stdout
    assert [word for word in expected if word not in told] == []
    assert "demo" not in told

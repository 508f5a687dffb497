"""What a command says when it ends early: one line, whatever befell it, and a code that scripts can go by."""

import os
import re

import pytest

from cpc_keras.cli.app import app
from cpc_keras.cli.exit_codes import AFTER_INTERRUPT
from tests.processes import run

# `cpc-keras models`, but for what it does.
MODELS = """
import errno, logging, os, sys, tempfile, warnings
import cpc_keras.export.index as index
from cpc_keras.tables import Table

tempfile.tempdir = None  # is looked for again

def model_table(folder):
    table = Table(["a", "b"])
    {body}
    return table

index.model_table = model_table
from cpc_keras.cli import main
main()
"""


@pytest.fixture
def models(tmp_path):
    def models(body, *options, **variables):
        environment = {**os.environ, "TMPDIR": str(tmp_path), **variables}
        return run("-c", MODELS.format(body=body), *options, "models", env=environment)

    return models


def test_what_nobody_foresaw_is_one_line_that_names_the_place_and_a_file_with_the_traceback(models, tmp_path):
    done = models("1 / 0")
    assert done.returncode == 70
    found = re.fullmatch(
        r"cpc-keras: ZeroDivisionError in cpc_keras/cli/commands/models\.py:\d+ was not foreseen: division by zero\. "
        r"The traceback is in (\S+); `cpc-keras --debug` prints it\n",
        done.stderr,
    )
    assert found, done.stderr
    (kept,) = tmp_path.iterdir()
    assert str(kept) == found[1]
    assert "Traceback" in kept.read_text() and "1 / 0" not in done.stderr and "'models'" in kept.read_text()


def test_where_no_file_can_be_written_there_is_none(models):
    done = models("tempfile.tempdir = '/nowhere'; raise KeyError('two\\nlines')")
    assert done.returncode == 70
    assert re.fullmatch(
        r"cpc-keras: KeyError in cpc_keras/cli/commands/models\.py:\d+ was not foreseen: 'two\\nlines'\. "
        r"`cpc-keras --debug` prints the traceback\n",
        done.stderr,
    ), done.stderr


@pytest.mark.parametrize(("options", "variables"), [(("--debug",), {}), ((), {"CPC_KERAS_DEBUG": "1"})])
def test_the_traceback_is_shown_to_whoever_asks(models, options, variables):
    done = models("warnings.warn('seen'); 1 / 0", *options, **variables)
    assert done.returncode == 70
    assert "Traceback" in done.stderr and "UserWarning: seen" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("cpc-keras: ZeroDivisionError in")


ENDS = {
    "a user's error": ("raise index.InputError('`x` must be 1.\\nReceived: 2')", 2, r"`x` must be 1.\nReceived: 2"),
    "the end of a file": ("raise EOFError", 70, "EOFError in cpc_keras/cli/commands/models.py"),
    "memory": (
        "raise MemoryError('Unable to allocate 36 GiB')",
        2,
        "must have more free memory for this. Received: Un",
    ),
    "a full disk": ("raise OSError(errno.ENOSPC, 'full')", 2, "on a disk with room. Received: [Errno 28] full"),
    "no permission": ("raise PermissionError(13, 'no', 'list.csv')", 2, "`list.csv` must be open to this command"),
    "Ctrl-C": ("raise KeyboardInterrupt", 130, "stopped; nothing was written"),
    "Ctrl-C that was swallowed": (
        "\n    try: os.kill(os.getpid(), 2); __import__('time').sleep(9)\n    except BaseException: pass\n    1 / 0",
        130,
        "stopped; nothing was written",
    ),
    "a name that is no text": ("raise index.InputError('Received: caf\\udce9')", 2, r"Received: caf\xe9"),
}


@pytest.mark.parametrize("end", ENDS)
def test_one_line_and_a_code(models, end):
    body, code, words = ENDS[end]
    done = models(body)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("cpc-keras: ") and words in done.stderr


def test_what_is_true_after_ctrl_c_is_known_of_each_command():
    assert {command.callback.__name__ for command in app.registered_commands} == set(AFTER_INTERRUPT)
    assert "checkpoint" in AFTER_INTERRUPT["pretrain"]
    assert not [name for name in ("export", "embed", "predict") if "checkpoint" in AFTER_INTERRUPT[name]]


def test_a_reader_that_has_gone_ends_a_command_without_a_word(models):
    done = models("r, w = os.pipe(); os.close(r); os.dup2(w, 1)")
    assert (done.returncode, done.stderr) == (1, "")


def test_libraries_do_not_speak_to_users(models):
    done = models("warnings.warn('six lines'); logging.getLogger('library').warning('and more')")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_that_cannot_show_something_gets_an_escape(models, encoding):
    body = f"sys.stdout.reconfigure(encoding='{encoding}', errors=sys.stdout.errors)"
    done = models(f"{body}; table.add('\\u732b', 'caf\\udce9')")
    assert done.returncode == 0, done.stderr
    assert r"caf\xe9" in done.stdout
    assert (r"\u732b" in done.stdout) == (encoding != "utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("variables", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}])
def test_a_name_that_is_no_text_on_the_command_line(tmp_path, variables):
    environment = {**os.environ, **variables}
    arguments = ("-m", "cpc_keras.cli", "report", os.fsdecode(b"caf\xe9"))
    done = run(*arguments, cwd=tmp_path, env=environment, fresh=True)
    assert done.returncode == 2
    assert done.stderr == ("cpc-keras: `RUN` must be the folder of a run, with a recipe.json. Received: caf\\xe9\n")


def test_without_a_word_it_gives_its_help():
    done = run("-m", "cpc_keras.cli")
    assert done.returncode == 0 and done.stdout.startswith("Usage: cpc-keras") and "--debug" in done.stdout

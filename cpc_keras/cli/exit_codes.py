"""What a command says when it ends early, and the code that it leaves."""

import contextlib
import os
import pathlib
import re
import signal
import sys
import tempfile
import time
import traceback

import typer

from cpc_keras.cli.console import any_terminal, debugging
from cpc_keras.errors import InputError, Stopped, first_line, printable
from cpc_keras.storage.disk import refusal

NOBODY_READS = 1  # as rich has it
BAD_INPUT = 2
UNFORESEEN = 70
STOPPED = 75
INTERRUPTED = 130
_COMPLETION = "_CPC_KERAS_COMPLETE"  # as Typer has it
_PACKAGE = pathlib.Path(__file__).parents[1]
# Seconds in which what Ctrl-C has broken may fail, and when it came.
_AFTERMATH = 60.0
_interrupts: list[float] = []
_GOES_ON = "what is finished stays, and the same command goes on from there"
# What is true of a command after Ctrl-C.
AFTER_INTERRUPT = {
    "pretrain": "the same command goes on from the last checkpoint",
    "launch": "the same command goes on from the last checkpoint",
    **dict.fromkeys(("demo", "ablate", "evaluate", "tune", "detect"), _GOES_ON),
    **dict.fromkeys(
        ("embed", "predict"), "--out is not written; the same command goes on from the images that are done"
    ),
    **dict.fromkeys(
        ("select", "inspect"),
        "no list is written; features that are done stay, and the same command goes on from there",
    ),
    "export": "DEST is as it was; the same command begins anew",
    "report": "the same command draws the report anew",
    "clean": "the same command frees what is left",
    **dict.fromkeys(("describe", "fields", "models", "recipes"), "nothing was written"),
}


def exit_with(app):
    """Runs a Typer application and exits; an error is one line on standard error.

    Whatever was not foreseen is one line as well, which names a file with the
    traceback.

    Args:
        app: A `typer.Typer`.
    """
    any_terminal()
    _remember_interrupts()
    try:
        code = _run(app)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        code, words = _ending(error)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if debugging():
            traceback.print_exception(error)
        if words:
            print(f"cpc-keras: {printable(' '.join(words.splitlines()))}", file=sys.stderr, flush=True)
        _leave(code)
    sys.exit(code or 0)


def _run(app):
    """The exit code of a command; without Typer's own frame, which makes other errors of some."""
    if _COMPLETION in os.environ:  # a shell asks how a line may go on
        app(prog_name="cpc-keras")
    command = typer.main.get_command(app)
    try:
        with command.make_context("cpc-keras", sys.argv[1:] or ["--help"]) as context:
            return command.invoke(context)
    except typer.Exit as end:
        return end.exit_code


def _ending(error):
    """`(exit code, words)` of an error that ended a command; no words where nobody reads them."""
    if _is_interrupt(error):
        command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
        words = str(error) if isinstance(error, KeyboardInterrupt) else ""  # what it says itself
        return INTERRUPTED, f"stopped; {words or AFTER_INTERRUPT.get(command, 'the same command begins anew')}"
    if isinstance(error, BrokenPipeError):
        return NOBODY_READS, ""
    if isinstance(error, InputError):
        return BAD_INPUT, str(error)
    if isinstance(error, Stopped):
        return STOPPED, str(error)
    if hasattr(error, "format_message"):  # Typer's own complaints about the command line carry their text so
        return BAD_INPUT, _in_our_words(error.format_message())
    if refusal(error):
        named = getattr(error, "filename", None)
        what = f"`{named}`" if named else "what is read and written"
        return BAD_INPUT, f"{what} must be open to this command, on a disk with room. Received: {first_line(error)}"
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return BAD_INPUT, f"the machine must have more free memory for this. Received: {first_line(error)}"
    return UNFORESEEN, _unforeseen(error)


def _remember_interrupts():
    """Keeps when Ctrl-C came last: where it falls into a callback from TensorFlow, that swallows it, and fails."""

    def interrupt(number, frame):
        _interrupts.append(time.monotonic())
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)


def _is_interrupt(error):
    """Whether Ctrl-C ended a command; what it meets on its way, as an import, may fail for that."""
    if _interrupts and time.monotonic() - _interrupts[-1] < _AFTERMATH:
        return True
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return error is not None


def _unforeseen(error):
    """One line about an error that nobody foresaw; its traceback goes to a file."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(f"{_PACKAGE}/")]
    place = f"{pathlib.Path(own[-1].filename).relative_to(_PACKAGE.parent)}:{own[-1].lineno}"
    words = f"{type(error).__name__} in {place} was not foreseen: {first_line(error)[:500]}. "
    with contextlib.suppress(OSError):
        with tempfile.NamedTemporaryFile(
            "w", prefix="cpc-keras-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(f"{sys.argv}\n{''.join(traceback.format_exception(error))}")
        return f"{words}The traceback is in {file.name}; `cpc-keras --debug` prints it"
    return f"{words}`cpc-keras --debug` prints the traceback"


def _in_our_words(message):
    """What Typer says of a value that is none of a few, as the rest of the package says it.

    Example:

    >>> _in_our_words("Invalid value for '--tuner': 'best' is not one of 'random', 'grid'.")
    '`--tuner` must be one of random, grid. Received: best'
    """
    found = re.fullmatch(r"Invalid value for '([^' ]+).*?': (?:Value error, )?'(.*)' is not one of (.*?)\.?", message)
    if not found:
        return message
    option, given, choices = found.groups()
    return f"`{option}` must be one of {choices.replace(chr(39), '')}. Received: {given}"


def _leave(code):
    """Ends the process without clearing up, which would wait for workers that are gone, or for reads under way."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(code)

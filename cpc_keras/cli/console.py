"""What a command does before its work."""

import contextlib
import io
import json
import logging
import os
import pathlib
import sys
import threading
import warnings

from cpc_keras.backend.keras_settings import settle_for_commands
from cpc_keras.errors import printable

_DEBUG, _QUIET = "CPC_KERAS_DEBUG", "CPC_KERAS_QUIET"
# Set in whatever a Jupyter kernel starts.
_KERNEL = "JPY_PARENT_PID"
_PACKAGE = pathlib.Path(__file__).parents[1]
# Letters of a line below which nobody can have meant it, those that are taken then, and those of a log.
_LEAST, _USUAL, _LOG = 20, 80, 160
# After so many of them a user is told what is waited for.
_SECONDS = 2.0


def any_terminal():
    """Has what a terminal cannot show, or is no text (names of files may be any bytes), appear escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def debugging():
    """Whether tracebacks and the warnings of libraries are to be seen."""
    return _asked(_DEBUG)


def _asked(name):
    return os.environ.get(name, "0") not in ("", "0")


def ask_for_debugging():
    """Turns that on, here and in workers that are started."""
    os.environ[_DEBUG] = "1"


def ask_for_quiet():
    """Leaves out all that tells of work and its end, here and in workers that are started; errors are told."""
    os.environ[_QUIET] = "1"


@contextlib.contextmanager
def quiet_libraries():
    """Libraries warn those who write programs; what its user is to know, a command says itself."""
    shown, disabled = warnings.showwarning, logging.root.manager.disable
    if not debugging() and not sys.warnoptions:
        warnings.showwarning = _show_our_own
        logging.disable(logging.WARNING)
    try:
        yield
    finally:
        warnings.showwarning = shown
        logging.disable(disabled)


def _show_our_own(message, category, filename, *more, **others):
    """A warning of this package about what will not do any longer, as a line; none of a library."""
    if issubclass(category, FutureWarning) and pathlib.Path(filename).is_relative_to(_PACKAGE):
        print(f"Note: {printable(str(message))}", file=sys.stderr, flush=True)


def plain_console():
    """A `PlainConsole`; in a notebook, which keeps each frame of a progress bar, as if it wrote to a file."""
    from cpc_keras.cli.terminal import PlainConsole

    in_notebook = _KERNEL in os.environ
    console = PlainConsole(force_terminal=False if in_notebook else None)
    if console.width < _LEAST:  # COLUMNS=0, as some schedulers set it
        console.width = _USUAL
    elif not (console.is_terminal or in_notebook or "COLUMNS" in os.environ):
        console.width = _LOG  # a file has no edge at which a table would have to break
    return console


def print_json(value):
    """Prints what a program is to read: JSON in ASCII, and nothing else."""
    print(json.dumps(value, indent=2))


def open_console(quiet=False):
    """Imports TensorFlow without its start-up chatter and opens a console.

    Args:
        quiet: Whether nothing is to be said on it, as with `--quiet`.
    """
    return open_console_and_strategy("one", quiet)[0]


def open_console_and_strategy(name, quiet=False):
    """The same with a `tf.distribute` strategy, see `cpc_keras.backend.distribution.open_strategy`.

    Keras computes as commands need it, whatever the user has set.

    Returns:
        `(console, strategy)`.

    Raises:
        InputError: If the machine has not what the strategy takes.
    """
    left_out = settle_for_commands()
    chatter = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") == "0"
    console = plain_console()
    console.quiet = quiet or _asked(_QUIET)
    with (
        _said_if_it_takes_long(console, "Loading TensorFlow."),
        contextlib.nullcontext() if chatter else _quiet_start(),
    ):
        import tensorflow as tf

        from cpc_keras.backend.distribution import open_strategy

        strategy = open_strategy(name)  # workers find each other before any device is touched
        tf.config.list_logical_devices()
        if not chatter:
            tf.get_logger().setLevel("ERROR")  # it warns of every network that is traced anew
    if left_out:
        console.print(f"Note: commands compute with TensorFlow, all of their steps, in spite of {', '.join(left_out)}.")
    return console, strategy


@contextlib.contextmanager
def _said_if_it_takes_long(console, what):
    """Says what is done after the first seconds of it."""
    timer = threading.Timer(_SECONDS, console.print, (what,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _quiet_start():
    """What TensorFlow logs before its logging is set up heeds no level."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

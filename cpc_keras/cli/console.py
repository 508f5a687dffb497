"""What a command does before its work."""

import contextlib
import io
import logging
import os
import sys
import threading
import warnings

from cpc_keras.backend.keras_settings import settle_for_commands

_DEBUG = "CPC_KERAS_DEBUG"
# Letters of a line below which nobody can have meant it, and those that are taken then.
_LEAST, _USUAL = 20, 80
# After so many of them a user is told what is waited for.
_SECONDS = 2.0


def any_terminal():
    """Has what a terminal cannot show, or is no text (names of files may be any bytes), appear escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def debugging():
    """Whether tracebacks and the warnings of libraries are to be seen."""
    return os.environ.get(_DEBUG, "0") not in ("", "0")


def ask_for_debugging():
    """Turns that on, here and in workers that are started."""
    os.environ[_DEBUG] = "1"


@contextlib.contextmanager
def quiet_libraries():
    """Libraries warn those who write programs; what its user is to know, a command says itself."""
    shown, disabled = warnings.showwarning, logging.root.manager.disable
    if not debugging() and not sys.warnoptions:
        warnings.showwarning = lambda *told, **more: None
        logging.disable(logging.WARNING)
    try:
        yield
    finally:
        warnings.showwarning = shown
        logging.disable(disabled)


def plain_console():
    """A `PlainConsole`."""
    from cpc_keras.cli.terminal import PlainConsole

    console = PlainConsole()
    if console.width < _LEAST:  # COLUMNS=0, as some schedulers set it
        console.width = _USUAL
    return console


def open_console():
    """Imports TensorFlow without its start-up chatter and opens a console."""
    return open_console_and_strategy("one")[0]


def open_console_and_strategy(name):
    """The same with a `tf.distribute` strategy, see `cpc_keras.backend.distribution.open_strategy`.

    Keras computes as commands need it, whatever the user has set.

    Returns:
        `(console, strategy)`.

    Raises:
        InputError: If the machine has not what the strategy takes.
    """
    left_out = settle_for_commands()
    quiet = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") != "0"
    console = plain_console()
    with _said_if_it_takes_long(console, "Loading TensorFlow."), _quiet_start() if quiet else contextlib.nullcontext():
        import tensorflow as tf

        from cpc_keras.backend.distribution import open_strategy

        strategy = open_strategy(name)  # workers find each other before any device is touched
        tf.config.list_logical_devices()
        if quiet:
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

"""What a command says when it ends early, and the code that it leaves."""

import os
import sys

from cpc_keras.errors import InputError, Stopped

BAD_INPUT = 2
STOPPED = 75
INTERRUPTED = 130


def exit_with(command):
    """Runs a Typer application and exits; an error is one line on standard error.

    Args:
        command: A `typer.Typer`.
    """
    try:
        code = command(standalone_mode=False)  # Typer turns an interrupt into this return value
    except KeyboardInterrupt:
        code = INTERRUPTED
    except InputError as error:
        _say(error)
        _leave(BAD_INPUT)
    except Stopped as reason:
        _say(reason)
        _leave(STOPPED)
    except Exception as error:
        # Typer's own complaints about the command line carry their text so.
        if not hasattr(error, "format_message"):
            raise
        _say(error.format_message())
        code = BAD_INPUT
    if code == INTERRUPTED:
        _say("stopped; the same command goes on from the last checkpoint")
        _leave(code)
    sys.exit(code or 0)


def _leave(code):
    """Ends the process without clearing up, which would wait for workers that are gone, or for reads under way."""
    sys.stdout.flush()
    os._exit(code)


def _say(reason):
    print(f"cpc-keras: {reason}", file=sys.stderr, flush=True)

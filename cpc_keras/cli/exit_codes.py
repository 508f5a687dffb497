"""What a command says when it ends early, and the code that it leaves."""

import os
import re
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
        _say(_in_our_words(error.format_message()))
        code = BAD_INPUT
    if code == INTERRUPTED:
        _say("stopped; the same command goes on from the last checkpoint")
        _leave(code)
    sys.exit(code or 0)


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
    sys.stdout.flush()
    os._exit(code)


def _say(reason):
    print(f"cpc-keras: {reason}", file=sys.stderr, flush=True)

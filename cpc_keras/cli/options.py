"""Numbers and paths as they are typed on a command line."""

import math
import os
import re

import typer

from cpc_keras.config.fields import POSITIVE, SOME_SHARE
from cpc_keras.errors import InputError


def within(least, most):
    """What Typer calls with the value of an option, which is refused unless it lies within; nan and infinity do not.

    Args:
        least: The least value.
        most: The largest.
    """

    def check(parameter: typer.CallbackParam, value: float | None):
        if value is not None and not least <= value <= most:
            option = max(parameter.opts, key=len)
            raise InputError(f"`{option}` must lie in [{least:,}, {most:,}]. Received: {value}")
        return value

    return check


def budget_numbers(labels_per_class, fractions):
    """Label budgets as they are typed.

    Args:
        labels_per_class: Text such as `"5,10"`, or `None`.
        fractions: Text such as `"1%,0.1"`, or `None`.

    Returns:
        List of `(kind, amount)` as of `cpc_keras.data.budgets.Budget`.

    Raises:
        InputError: If a part is no number, or none that a budget can have.

    Example:

    >>> budget_numbers("5,10", "1%")
    [('per_class', 5), ('per_class', 10), ('fraction', 0.01)]
    """
    found = [("per_class", number) for number in option_numbers("--labels-per-class", labels_per_class, int, POSITIVE)]
    return found + [("fraction", share) for share in option_numbers("--fractions", fractions, share_of, SOME_SHARE)]


def option_numbers(option, text, convert, bounds=None):
    """Numbers that are separated by commas; none of `None`.

    Args:
        option: What messages call it.
        text: As it was typed.
        convert: Function from a part to a number, which raises `ValueError`.
        bounds: A `Bounds` of each, or `None`.

    Raises:
        InputError: If a part is no number, or out of bounds.
    """
    try:
        numbers = [convert(part) for part in text.split(",")] if text else []
    except ValueError as error:
        raise InputError(f"`{option}` must be numbers separated by commas. Received: {text}") from error
    if not all(map(bounds.allow if bounds else math.isfinite, numbers)):
        raise InputError(f"Each of `{option}` must {bounds or 'be finite'}. Received: {text}")
    return numbers


def share_of(text):
    """A share as it is typed.

    Example:

    >>> share_of("1%"), share_of("0.25")
    (0.01, 0.25)
    """
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def with_options_first(arguments, options):
    """What is typed, with options that all commands have before the command, wherever they stand.

    Args:
        arguments: Words of the command line.
        options: The options, which take no value.

    Returns:
        A list.

    Example:

    >>> with_options_first(["report", "runs/mine", "--quiet"], ("--quiet", "--debug"))
    ['--quiet', 'report', 'runs/mine']
    """
    return sorted(arguments, key=lambda argument: argument not in options)


def in_home(argument):
    """An argument with the user's home in the place of a `~` that begins a path, as where quotes hid it from the shell.

    Example:

    >>> in_home("~/run") == os.path.expanduser("~/run"), in_home("--name=~x")
    (True, '--name=~x')
    """
    return re.sub(r"^(--[a-z-]+=)?(~)(?=/|$)", lambda found: (found[1] or "") + os.path.expanduser("~"), argument)

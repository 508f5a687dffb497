"""The fields of any recipe: default, text and bounds of each in one place, and the checks that follow."""

import dataclasses
import itertools
import textwrap
from collections.abc import Callable
from typing import NamedTuple

from cpc_keras.errors import InputError

AUTO = "auto"


class Bounds(NamedTuple):
    """What a number may be, as messages put it, and the test of it."""

    words: str
    hold: Callable


POSITIVE = Bounds("be positive", lambda value: value > 0)
NOT_NEGATIVE = Bounds("not be negative", lambda value: value >= 0)
SHARE = Bounds("lie in [0, 1]", lambda value: 0 <= value <= 1)
BELOW_ONE = Bounds("lie in [0, 1)", lambda value: 0 <= value < 1)
REQUIRED = dataclasses.MISSING


def setting(default, text, choices=None, bounds=None):
    """A field of a recipe: all that is known of it, said once.

    Args:
        default: Its default; `REQUIRED` if there is none.
        text: What it is, for its documentation and `cpc-keras fields`.
        choices: The values it may have, or `None`.
        bounds: A `Bounds` of its numbers, or `None`; `None` and `"auto"` are in all of them.

    Returns:
        What a dataclass takes as a field.
    """
    metadata = {"text": text, "choices": choices, "bounds": bounds}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def documented(kind):
    """Adds the texts of a dataclass' fields to its docstring.

    Args:
        kind: A dataclass of `setting`s.

    Returns:
        The same class.
    """
    lines = ["", "", "    Attributes:"]
    for field in dataclasses.fields(kind):
        text = f"{field.name}: {field.metadata['text']}"
        lines += textwrap.wrap(text, 88, initial_indent=" " * 8, subsequent_indent=" " * 12)
    kind.__doc__ = kind.__doc__.rstrip() + "\n".join([*lines, "    "])
    return kind


def default_of(field):
    """The default of a dataclass' field, `REQUIRED` if there is none."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def check_fields(recipe):
    """Raises `InputError` for a field of the wrong kind or out of range; makes tuples of lists, which is what JSON has.

    Args:
        recipe: A frozen dataclass of `setting`s whose annotations are types.
    """
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        accepted = field.type.__args__ if hasattr(field.type, "__args__") else (field.type,)
        if tuple in accepted and isinstance(value, list):
            object.__setattr__(recipe, field.name, tuple(value))
        _check_kind(field.name, getattr(recipe, field.name), accepted)
    for field in dataclasses.fields(recipe):
        name, value = field.name, getattr(recipe, field.name)
        choices, bounds = field.metadata["choices"], field.metadata["bounds"]
        if choices and value not in choices:
            raise InputError(f"`{name}` must be one of {choices}. Received: {name}={value!r}")
        if bounds and value not in (AUTO, None) and not bounds.hold(value):
            raise InputError(f"`{name}` must {bounds.words}. Received: {name}={value}")


def check_learning_curve(recipe):
    """Makes tuples of the rows of a recipe's `learning_curve`, and raises `InputError` if they are not as they must be.

    Args:
        recipe: A frozen dataclass with the fields `learning_curve` and `labels_per_class`.
    """
    rows = tuple(tuple(row) if isinstance(row, list | tuple) else (row,) for row in recipe.learning_curve)
    object.__setattr__(recipe, "learning_curve", rows)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for row in rows for value in row)
    fits = numbers and all(len(row) == 1 + len(recipe.labels_per_class) > 1 for row in rows)
    fits = fits and all(row[0] > 0 and all(0 <= accuracy <= 1 for accuracy in row[1:]) for row in rows)
    if not fits or any(before[0] >= after[0] for before, after in itertools.pairwise(rows)):
        raise InputError(
            "`learning_curve` must be rows of steps, rising, and an accuracy in [0, 1] for each of `labels_per_class`, "
            f"{recipe.labels_per_class}. Received: learning_curve={recipe.learning_curve}"
        )


def _check_kind(name, value, accepted):
    if isinstance(value, bool):
        fits = bool in accepted
    elif isinstance(value, int):
        fits = int in accepted or float in accepted
    elif value is None:
        fits = type(None) in accepted
    elif isinstance(value, str):
        fits = str in accepted and (value == AUTO or not {int, tuple} & set(accepted))
    else:
        fits = isinstance(value, accepted)
    if not fits:
        names = " or ".join(
            repr(AUTO) if one is str and {int, tuple} & set(accepted) else "None" if one is type(None) else one.__name__
            for one in accepted
        )
        raise InputError(f"`{name}` must be {names}. Received: {name}={value!r}")

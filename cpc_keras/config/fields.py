"""The fields of any recipe: default, text and bounds of each in one place, and the checks that follow."""

import dataclasses
import itertools
import reprlib
import textwrap
from collections.abc import Callable
from typing import NamedTuple

from cpc_keras.errors import InputError

AUTO = "auto"


# The largest whole number that NumPy, TensorFlow and Keras all take, as a seed or a count.
LARGEST = 2**31 - 1
# Entries of a tuple, at most, and the largest number of float32.
_ENTRIES, _FINITE = 10_000, 3.4e38


class Bounds(NamedTuple):
    """What a number may be, as messages put it, the test of it, and the largest that makes sense."""

    words: str
    hold: Callable
    most: float = LARGEST

    def __str__(self):
        return self.words if self.most == LARGEST else f"{self.words}, at most {self.most:,}"

    def allow(self, value):
        """Whether a number lies within."""
        return self.hold(value) and value <= self.most


POSITIVE = Bounds("be positive", lambda value: value > 0)
NOT_NEGATIVE = Bounds("not be negative", lambda value: value >= 0)
SHARE = Bounds("lie in [0, 1]", lambda value: 0 <= value <= 1)
SOME_SHARE = Bounds("lie in (0, 1]", lambda value: 0 < value <= 1)
BELOW_ONE = Bounds("lie in [0, 1)", lambda value: 0 <= value < 1)
# Sides in pixels, widths of layers, layers in a row, images and boxes taken at once, repetitions.
PIXELS = POSITIVE._replace(most=32_768)
CHANNELS = POSITIVE._replace(most=16_384)
LAYERS = POSITIVE._replace(most=1_000)
AT_ONCE = POSITIVE._replace(most=1_000_000)
TIMES = POSITIVE._replace(most=10_000)
REQUIRED = dataclasses.MISSING
# Kinds beside which a text can only be "auto".
_NOT_TEXT = {int, float, tuple}


def shown(value):
    """A value as messages quote it, in at most some hundred letters.

    Example:

    >>> shown(0.5), shown((1,) * 1000)
    ('0.5', '(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ...)')
    """
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = _SHORT.maxlong = 100
_SHORT.maxtuple = _SHORT.maxlist = _SHORT.maxdict = 10


def setting(default, text, choices=None, bounds=None, of=None):
    """A field of a recipe: all that is known of it, said once.

    Args:
        default: Its default; `REQUIRED` if there is none.
        text: What it is, for its documentation and `cpc-keras fields`.
        choices: The values it may have, or `None`.
        bounds: A `Bounds` of its numbers, or `None`; `None` and `"auto"` are in all of them.
        of: Kind of a tuple's entries, or `None` if whoever reads them checks them.

    Returns:
        What a dataclass takes as a field.
    """
    metadata = {"text": text, "choices": choices, "bounds": bounds, "of": of}
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
        _check_entries(field, getattr(recipe, field.name))
    for field in dataclasses.fields(recipe):
        name, value = field.name, getattr(recipe, field.name)
        choices, bounds = field.metadata["choices"], field.metadata["bounds"]
        if choices and value not in choices:
            raise InputError(f"`{name}` must be one of {choices}. Received: {name}={value!r}")
        number = bounds and value not in (AUTO, None) and not isinstance(value, tuple)
        if number and not bounds.allow(value):
            wish = f"be at most {bounds.most:,}" if bounds.hold(value) else bounds.words
            raise InputError(f"`{name}` must {wish}. Received: {name}={shown(value)}")


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
        fits = str in accepted and (value == AUTO or not _NOT_TEXT & set(accepted))
    else:
        fits = isinstance(value, accepted)
    if not fits:
        names = " or ".join(
            repr(AUTO) if one is str and _NOT_TEXT & set(accepted) else "None" if one is type(None) else one.__name__
            for one in accepted
        )
        raise InputError(f"`{name}` must be {names}. Received: {name}={shown(value)}")


def _check_entries(field, value):
    """Of a tuple, kind and bounds of its entries; of whatever holds numbers, that they are such as computers take."""
    name, of, bounds = field.name, field.metadata["of"], field.metadata["bounds"]
    if isinstance(value, tuple | dict) and len(value) > _ENTRIES:
        raise InputError(f"`{name}` must have at most {_ENTRIES:,} entries. Received: {len(value):,}")
    if not all(abs(number) <= _FINITE for number in _numbers(value)):
        raise InputError(f"`{name}` must be finite. Received: {name}={shown(value)}")
    if of and isinstance(value, tuple):
        kinds = (int, float) if of is float else of
        if not all(isinstance(entry, kinds) and not isinstance(entry, bool) for entry in value):
            raise InputError(f"`{name}` must hold {_PLURALS[of]}. Received: {name}={shown(value)}")
        if bounds and not all(map(bounds.allow, value)):
            raise InputError(f"Each of `{name}` must {bounds}. Received: {name}={shown(value)}")


_PLURALS = {int: "whole numbers", float: "numbers", str: "names"}


def _numbers(value):
    """The numbers in a value, however deep."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for entry in value:
            yield from _numbers(entry)
    elif isinstance(value, int | float):
        yield value

"""What the fields of any recipe must be."""

import dataclasses
import itertools

from cpc_keras.errors import InputError

AUTO = "auto"


def check_kinds(recipe):
    """Makes tuples of lists, which is what JSON has, and raises `InputError` for a field of the wrong kind.

    Args:
        recipe: A frozen dataclass whose annotations are types.
    """
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        accepted = field.type.__args__ if hasattr(field.type, "__args__") else (field.type,)
        if tuple in accepted and isinstance(value, list):
            object.__setattr__(recipe, field.name, tuple(value))
        _check_kind(field.name, getattr(recipe, field.name), accepted)


def check_ranges(recipe, choices=None, positive=(), shares=(), not_negative=(), below_one=()):
    """Raises `InputError` for a field out of range; `None` and `"auto"` are in every range but that of choices.

    Args:
        recipe: A dataclass.
        choices: What a field may be, by name.
        positive: Names of fields above 0.
        shares: Those in `[0, 1]`.
        not_negative: Those from 0 on.
        below_one: Those in `[0, 1)`.
    """
    for name, known in (choices or {}).items():
        if getattr(recipe, name) not in known:
            raise InputError(f"`{name}` must be one of {known}. Received: {name}={getattr(recipe, name)!r}")
    for names, fits, words in (
        (positive, lambda value: value > 0, "be positive"),
        (shares, lambda value: 0 <= value <= 1, "lie in [0, 1]"),
        (not_negative, lambda value: value >= 0, "not be negative"),
        (below_one, lambda value: 0 <= value < 1, "lie in [0, 1)"),
    ):
        for name in names:
            value = getattr(recipe, name)
            if value not in (AUTO, None) and not fits(value):
                raise InputError(f"`{name}` must {words}. Received: {name}={value}")


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

"""How many labels."""

import dataclasses
import pathlib

from cpc_keras.errors import InputError, first_line
from cpc_keras.storage.text import read_lines


@dataclasses.dataclass(frozen=True)
class Budget:
    """How many labels.

    Attributes:
        kind: `"per_class"` (labels a class), `"fraction"` (share of all) or
            `"list"` (a list of the user's).
        amount: The number, the share, or the list's name.
        ids: The images of a list.
        selection: How as many images are chosen, without a look at their labels, where they
            are not drawn: one of `cpc_keras.graph.choose.WAYS`; `None` draws them.

    Example:

    >>> str(Budget("per_class", 5)), Budget("fraction", 0.01).name
    ('5 a class', 'fraction-0.01')
    >>> Budget("per_class", 5, selection="typical").name
    'per_class-5-typical'
    """

    kind: str
    amount: float | str
    ids: tuple[str, ...] = ()
    selection: str | None = None

    def __str__(self):
        if self.kind == "list":
            return f"list {self.amount}"
        return f"{self.amount:g} a class" if self.kind == "per_class" else f"{100 * self.amount:g} %"

    @property
    def labels_per_class(self):
        """The number of labels a class, or `None`."""
        return int(self.amount) if self.kind == "per_class" else None

    @property
    def fraction(self):
        """The share of all labels, or `None`."""
        return self.amount if self.kind == "fraction" else None

    @property
    def name(self):
        """For file names."""
        chosen = f"-{self.selection}" if self.selection else ""
        return f"{self.kind}-{self.amount if self.kind == 'list' else format(self.amount, 'g')}{chosen}"


def budget_of(labels_per_class, fraction):
    """The `Budget` of a record or setting, which has one of the two numbers; `None` of neither.

    Example:

    >>> str(budget_of(5, None)), str(budget_of(None, 0.01)), budget_of(None, None)
    ('5 a class', '1 %', None)
    """
    if labels_per_class is not None:
        return Budget("per_class", labels_per_class)
    return None if fraction is None else Budget("fraction", fraction)


def read_list(path):
    """A label list of the user's as a `Budget`: one image a line; lines that begin with `#` are comments.

    Raises:
        InputError: If the file is missing or empty.
    """
    path = pathlib.Path(path).expanduser()
    try:
        ids = tuple(dict.fromkeys(read_lines(path)))
    except (OSError, ValueError) as error:
        raise InputError(f"`--subset` must be a readable text file. Received: {path} ({first_line(error)})") from error
    if not ids:
        raise InputError(f"`--subset` must list at least one image. Received: {path} with none")
    return Budget("list", path.stem, ids)

"""The one kind of table, and text, for a terminal, for HTML and for Markdown: a name is never code there."""

import dataclasses
import html
import re
from collections.abc import Sequence

from cpc_keras.errors import printable


class Markdown(str):
    """Text with marks of Markdown, which mean what they say."""


def as_html(text):
    """Text as HTML shows it.

    Example:

    >>> as_html("<b>cat\\n")
    '&lt;b&gt;cat\\\\n'
    """
    return html.escape(printable(text))


def as_markdown(text):
    """Text as Markdown shows it, in a table or elsewhere; what is `Markdown` stays as it is.

    Example:

    >>> print(as_markdown("_cat_ | a_b [x](y) <b>"))
    \\_cat\\_ \\| a_b \\[x\\](y) &lt;b&gt;
    """
    if isinstance(text, Markdown):
        return text
    text = re.sub(r"[\\\\`*\[\]|$~]|(?<!\w)_|_(?!\w)", r"\\\g<0>", printable(text))
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    return text.replace("<", "&lt;").replace(">", "&gt;")


def as_code(text):
    """Text as a span of code in Markdown.

    Example:

    >>> print(as_code("dir:cats"), as_code("a`b"))
    `dir:cats` ``a`b``
    """
    text = printable(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    blank = " " if text.startswith("`") or text.endswith("`") else ""
    return Markdown(f"{fence}{blank}{text}{blank}{fence}")


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell that is more than its text.

    Attributes:
        text: What it says.
        detail: What it adds in smaller letters.
        best: Whether it is the best of its column.
    """

    text: str
    detail: str = ""
    best: bool = False

    def __str__(self):
        return f"{self.text} {self.detail}".rstrip()


@dataclasses.dataclass(frozen=True)
class _Row:
    cells: tuple
    ours: bool = False
    total: bool = False


class Table:
    """Rows and columns of text.

    Args:
        columns: Names of the columns.
        title: What stands above it; nothing in HTML, where a heading does.
        left: Places of the columns that are set from the left; the first one, unless
            told otherwise.
        min_width: Letters that the other columns keep together on a terminal, or `None`.
        unbroken: Places of the columns whose cells stay in one line on a terminal.

    Example:

    >>> table = Table(("method", "5 a class"))
    >>> table.add("linear", Cell("71.2", "(69.0–73.1)", best=True), ours=True)
    >>> table.add("pixels & co", "65.0")
    >>> print(table.markdown())
    | method | 5 a class |
    |---|---:|
    | linear | **71.2** (69.0–73.1) |
    | pixels & co | 65.0 |
    >>> table.html().endswith("<tr><td>pixels &amp; co</td><td>65.0</td></tr></table>")
    True
    """

    def __init__(
        self,
        columns: Sequence[str],
        title: str = "",
        left: Sequence[int] = (0,),
        min_width: int | None = None,
        unbroken: Sequence[int] = (),
    ):
        self.columns = list(columns)
        self.title = title
        self.left = left
        self.min_width = min_width
        self.unbroken = unbroken
        self.rows: list[_Row] = []

    def add(self, *cells, ours=False, total=False):
        """Adds a row.

        Args:
            *cells: Texts, or `Cell`s, one a column.
            ours: Whether the row is of what the table is about, among others.
            total: Whether it stands out, as a sum of the rows above does.
        """
        if len(cells) != len(self.columns):
            raise ValueError(f"`cells` must be one a column, {len(self.columns)}. Received: {len(cells)}")
        self.rows.append(_Row(cells, ours, total))

    def rich(self):
        """As what a `rich.console.Console` prints: a table, or one line a cell on a terminal too narrow for it."""
        return _AsWideAsItCanBe(self)

    def grid(self):
        """As a `rich.table.Table`."""
        from rich import box
        from rich import table as rich_table
        from rich.text import Text

        def plain(cell):
            return Text(printable(str(cell)))

        title = Text(printable(self.title), style="table.title") if self.title else None
        shown = rich_table.Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for place, name in enumerate(map(plain, self.columns)):
            if place in self.left:
                shown.add_column(name, no_wrap=place in self.unbroken, overflow="fold")
            else:
                shown.add_column(name, justify="right", min_width=self.min_width, overflow="fold")
        for row in self.rows:
            shown.add_row(*map(plain, row.cells), style="bold" if row.total else None)
        return shown

    def lines(self):
        """One line a cell, without those that are empty; the first of a row stands out, the others name their column.

        Example:

        >>> table = Table(("method", "5 a class", "10 a class"), "Accuracy")
        >>> table.add("linear", "71.2", "75.8")
        >>> print("\\n".join(table.lines()))
        Accuracy
        linear
          5 a class: 71.2
          10 a class: 75.8
        """
        yield from filter(None, [self.title])
        for row in self.rows:
            first, *others = map(str, row.cells)
            yield from filter(None, [first])
            yield from (f"  {name}: {cell}" for name, cell in zip(self.columns[1:], others, strict=True) if cell)

    def html(self):
        """As HTML."""
        lines = ["".join(f"<th>{as_html(name)}</th>" for name in self.columns)]
        lines += ["".join(map(_html_cell, row.cells)) for row in self.rows]
        marks = ["", *(' class="ours"' if row.ours else "" for row in self.rows)]
        return f"<table>{''.join(f'<tr{mark}>{line}</tr>' for mark, line in zip(marks, lines, strict=True))}</table>"

    def markdown(self):
        """As Markdown, without an empty line at its end."""
        rule = "".join("---|" if place in self.left else "---:|" for place in range(len(self.columns)))
        lines = [_markdown_line(self.columns), f"|{rule}", *(_markdown_line(row.cells) for row in self.rows)]
        return "\n".join(lines)


@dataclasses.dataclass
class _AsWideAsItCanBe:
    table: Table

    def __rich_console__(self, console, options):
        from rich.measure import Measurement
        from rich.text import Text

        grid = self.table.grid()
        # Asked with room to spare: a table never says that it needs more than there is.
        needed = Measurement.get(console, options.update(width=_WIDE), grid).minimum
        fits = needed <= options.max_width or options.max_width >= _USUAL
        yield grid if fits else Text("\n".join(self.table.lines()))


# Letters of a terminal on which cells may be broken, and those that no table needs.
_USUAL, _WIDE = 60, 10_000


def _html_cell(cell):
    if isinstance(cell, str):
        return f"<td>{as_html(cell)}</td>"
    detail = f" <small>{as_html(cell.detail)}</small>" if cell.detail else ""
    mark = ' class="best"' if cell.best else ""
    return f"<td{mark}>{as_html(cell.text)}{detail}</td>"


def _markdown_line(cells):
    return f"| {' | '.join(map(_markdown_cell, cells))} |"


def _markdown_cell(cell):
    if isinstance(cell, Cell):
        text = as_markdown(cell.text)
        return f"{f'**{text}**' if cell.best else text} {as_markdown(cell.detail)}".rstrip()
    return re.sub(r"(?<!\\)\|", r"\\|", as_markdown(cell))

"""Tables, wherever they go."""

import html
import io

import pytest
from rich.console import Console

from cpc_keras.tables import Cell, Markdown, Table, as_code, as_html, as_markdown
from tests.wild_names import NAMES


def table_of(name):
    table = Table((name, "accuracy"), name)
    table.add(name, Cell(name, name, best=True))
    return table


def printed(table, **kwargs):
    console = Console(width=80, record=True, file=io.StringIO(), **kwargs)
    console.print(table.rich())
    return console.export_text()


@pytest.mark.parametrize("name", [name for name in NAMES if len(name) < 20])
def test_a_terminal_shows_names_as_they_are(name):
    text = printed(table_of(name))  # by a console that knows markup
    assert text.count(name if name.isprintable() else ascii(name)[1:5]) >= 4, text
    assert "\x1b" not in text and "\t" not in text
    text.encode()


def test_a_terminal_shows_the_whole_of_a_long_name():
    text = printed(table_of("n" * 200))
    assert text.count("n") == 1000
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", NAMES)
def test_html_has_names_as_text(name):
    page = table_of(name).html()
    assert page.count(as_html(name)) == 4
    assert "<b>" not in page and "\x1b" not in page
    assert html.unescape(as_html(name)) == name or not name.isprintable()
    page.encode()


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("linear_v1, 5 a class", "linear_v1, 5 a class"),
        ("_hidden_", r"\_hidden\_"),
        ("*a* `b` [c](d) ~~e~~ $1_$", r"\*a\* \`b\` \[c\](d) \~\~e\~\~ \$1\_\$"),
        ("a|b", r"a\|b"),
        ("<b>x</b> R&D &lt;", "&lt;b&gt;x&lt;/b&gt; R&D &amp;lt;"),
        ("C:\\cats", "C:\\\\cats"),
        ("two\nlines", "two\\\\nlines"),
        ("caf\udce9", "caf\\\\xe9"),
    ],
)
def test_markdown_has_names_as_text(text, marked):
    assert as_markdown(text) == marked


@pytest.mark.parametrize("name", NAMES)
def test_a_row_of_markdown_has_its_columns(name):
    *_, row = table_of(name).markdown().splitlines()
    assert len(row.replace(r"\|", "").split("|")) == 4
    row.encode()


def test_marks_that_are_meant_stay():
    table = Table(("a", "b"))
    table.add(Markdown("`x|y`"), as_code("dir:a|b"))
    assert table.markdown().splitlines()[-1] == r"| `x\|y` | `dir:a\|b` |"


@pytest.mark.parametrize(
    ("text", "span"), [("dir:cats", "`dir:cats`"), ("a``b", "```a``b```"), ("`a", "`` `a ``"), ("a\nb", r"`a\nb`")]
)
def test_a_span_of_code_holds_any_text(text, span):
    assert as_code(text) == span


def printed_at(width):
    table = Table(("method", "5 labels a class", "10 labels a class"), "Accuracy")
    table.add("linear", Cell("71.2", "(69.0–73.1)"), "")
    table.add("", "65.0", "70.1 (68.0–72.0)")
    console = Console(file=io.StringIO(), width=width, soft_wrap=True)
    console.print(table.rich())
    return console.file.getvalue()


@pytest.mark.parametrize("width", [1, 10, 24])
def test_a_table_that_is_too_wide_is_a_line_a_cell(width):
    assert printed_at(width).splitlines() == [
        "Accuracy",
        "linear",
        "  5 labels a class: 71.2 (69.0–73.1)",
        "  5 labels a class: 65.0",
        "  10 labels a class: 70.1 (68.0–72.0)",
    ]


@pytest.mark.parametrize("width", [40, 80])
def test_one_that_fits_is_a_table(width):
    lines = printed_at(width).splitlines()
    assert not any(": " in line for line in lines)
    assert "(69.0–73.1)" in "".join(lines)
    assert all(len(line) <= width for line in lines)

"""What README and pages show as code, and how each piece of it is tested."""

import dataclasses
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
# "run": by tests/end_to_end/test_pages.py. "checked": its commands and options exist. Else why it is not run.
_SNIPPET = re.compile(r"(?:^<!-- (run|checked|not run): ([^>]+) -->\n\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)


@dataclasses.dataclass(frozen=True)
class Snippet:
    """A block of code on a page.

    Attributes:
        page: Name of its file.
        line: Where it stands there.
        how: `"run"`, `"checked"` or `"not run"`; `None` where nobody says.
        why: With what it is run, or why it is not.
        language: As the page says.
        text: The code.
    """

    page: str
    line: int
    how: str | None
    why: str | None
    language: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"

    @property
    def commands(self):
        """Lines that call `cpc-keras`, without comments; those that end in a backslash joined."""
        lines = re.sub(r"\\\n\s*", " ", self.text).splitlines()
        return [re.sub(r"\s+#.*", "", line) for line in lines if line.startswith("cpc-keras ")]


def snippets():
    """All of them."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in _SNIPPET.finditer(text):
            line = text.count("\n", 0, match.start(3)) + 1
            found.append(Snippet(page.relative_to(ROOT).as_posix(), line, *match.groups()))
    return found


def code_cells(notebook):
    """The code of a notebook's cells, in order."""
    told = json.loads(notebook.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in told["cells"] if cell["cell_type"] == "code"]


if __name__ == "__main__":  # as a table for people
    for one in snippets():
        print(f"{one!s:32} {one.language:10} {one.how or '-':8} {one.why or ''}")

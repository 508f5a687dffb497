"""Names of the package that docstrings and pages mention are there."""

import pathlib
import pkgutil
import re

import cpc_keras

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [
    *sorted(pathlib.Path(cpc_keras.__file__).parent.rglob("*.py")),
    *(ROOT / "docs").glob("*.md"),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
]


def found(name):
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def test_every_name_that_is_mentioned_is_there():
    mentioned = {
        (name, page.name)
        for page in PAGES
        for name in re.findall(r"`(cpc_keras(?:\.\w+)+)`", page.read_text(encoding="utf-8"))
    }
    assert len(mentioned) > 30
    assert not [pair for pair in sorted(mentioned) if not found(pair[0])]


def test_every_file_that_a_page_names_is_there():
    for page in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        for path in re.findall(
            r"`((?:cpc_keras|tests|benchmarks|recipes)/[\w/.]+\.py)`", page.read_text(encoding="utf-8")
        ):
            assert (ROOT / path).is_file() or path == "cpc_keras/layers/x.py" or path == "tests/layers/test_x.py", path

"""README and pages show commands and name files that are there, and say how each piece of code is tested."""

import importlib
import json
import re
import shlex

import pytest
import typer

import cpc_keras
from cpc_keras.cli import app
from cpc_keras.config.files import load_recipe, recipe_files
from tests.contract.test_names import ROOT
from tests.snippets import NOTEBOOKS, PAGES, code_cells, snippets

COMMANDS = [(str(one), command) for one in snippets() for command in one.commands]


def test_every_piece_of_code_says_how_it_is_tested():
    found = snippets()
    assert len(found) > 25
    assert [str(one) for one in found if one.how is None and one.language != "text"] == []
    assert [str(one) for one in found if one.language not in ("python", "console", "javascript", "text")] == []
    assert [str(one) for one in found if one.how == "not run" and one.commands and "installs" not in one.why] == []


@pytest.mark.parametrize(("place", "command"), COMMANDS, ids=[place for place, _ in COMMANDS])
def test_every_command_that_is_shown_is_one(place, command):
    words = shlex.split(command)[1:]
    context = typer.main.get_command(app).make_context("cpc-keras", words, resilient_parsing=words[0] == "--version")
    name = context._protected_args[0] if context._protected_args else None
    if name is None:
        return
    assert name in typer.main.get_command(app).commands
    inner = typer.main.get_command(app).commands[name].make_context(name, words[1:])
    recipe, overrides = inner.params.get("recipe"), inner.params.get("overrides") or []
    if recipe in {path.stem for path in recipe_files()} and name in ("pretrain", "describe", "ablate"):
        load_recipe(recipe, overrides)


def test_pages_name_files_that_are_there():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|src=\"([^\"]+)\"", text):
            name = next(filter(None, target))
            made = name.startswith("api/") or name == "contributing.md"
            assert name.startswith("https://") or made or (page.parent / name).exists(), (page.name, name)
        for picture in re.findall(r"<img [^>]*>", text):
            assert 'alt="' in picture, page.name
        assert not re.search(r"!\[\]", text), page.name  # every picture says what it shows


def test_links_into_pages_lead_to_headings():
    """As GitHub and MkDocs make names of headings; those of the API are the site's own, whose build is strict."""
    for page in PAGES:
        for name, anchor in re.findall(r"\]\(([\w./-]*\.md)?#([^)]+)\)", page.read_text(encoding="utf-8")):
            if not name.startswith("api/"):
                target = (page.parent / name if name else page).read_text(encoding="utf-8")
                headings = re.findall(r"^#+ (.*)$", target, re.M)
                slugs = {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", one).strip().lower()) for one in headings}
                assert anchor in slugs, (page.name, name, anchor)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 180


def test_notebooks_are_kept_without_outputs():
    assert len(NOTEBOOKS) == 2
    for notebook in NOTEBOOKS:
        told = json.loads(notebook.read_text(encoding="utf-8"))
        code = [cell for cell in told["cells"] if cell["cell_type"] == "code"]
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
        assert len(code_cells(notebook)) >= 5


def test_the_site_shows_notebooks_without_what_tensorflow_logs_as_it_starts():
    chatter = "WARNING: All log messages before absl::InitializeLog() are\nI0000 00:00:17 port.cc:153] oneDNN is on.\n"
    texts = {"stderr": [chatter, "A warning that matters\n"], "stdout": ["I0000 of one's own\n"]}
    outputs = [{"output_type": "stream", "name": name, "text": text} for name, text in texts.items()]
    outputs.append({"output_type": "stream", "name": "stdout", "text": ["and a second line\n"]})
    outputs.append({"output_type": "stream", "name": "stderr", "text": [chatter]})
    cells = [{"cell_type": "markdown", "source": ["# A"]}, {"cell_type": "code", "source": ["1"], "outputs": outputs}]
    shown = json.loads(importlib.import_module("docs.hooks").without_chatter(json.dumps({"cells": cells})))["cells"]
    assert shown[0] == cells[0]
    assert [(one["name"], "".join(one["text"])) for one in shown[1]["outputs"]] == [
        ("stderr", "A warning that matters\n"),
        ("stdout", "I0000 of one's own\nand a second line\n"),
    ]


def test_pages_of_the_api_are_what_is_public():
    hooks = importlib.import_module("docs.hooks")
    pages = hooks.api_pages()
    for package in hooks.PACKAGES:
        public = set(importlib.import_module(package).__all__)
        assert set(hooks.public_names(package)) == public, package
        shown = set(re.findall(r"\[`(\w+)`\]", pages["index.md"].split(f"**[`{package}`]")[1].split("\n")[0]))
        packages = {name for name in public if f"{package}.{name}" in hooks.PACKAGES}
        assert shown == public - packages
        for name, home in hooks.public_names(package).items():
            if home:
                module, _, attribute = home.rpartition(".")
                assert getattr(importlib.import_module(module), attribute) is getattr(
                    importlib.import_module(package), name
                )
    assert set(cpc_keras.__all__) == set(hooks.public_names("cpc_keras"))

"""What the site has besides the pages here: the API, from what is public, CONTRIBUTING.md, outputs of notebooks.

MkDocs calls `on_files`; `tests/contract/test_pages.py` asks for the same pages.
"""

import ast
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]
# Where `make docs` leaves notebooks with their outputs, under their names.
EXECUTED = ROOT / ".cache" / "notebooks"
# What TensorFlow logs as it starts, whatever it is told.
CHATTER = re.compile(r"(WARNING: All log messages before absl|I0000 ).*\n?")
# Pages of the API: what is public at the root, and in each package.
PACKAGES = (
    "cpc_keras",
    *(f"cpc_keras.{name}" for name in ("models", "layers", "losses", "optimizers", "data", "evaluation")),
    *(f"cpc_keras.{name}" for name in ("export", "tuning", "semi_supervised", "detection")),
)


def on_files(files, config):
    """Adds the pages that are made, and takes notebooks with their outputs where they have been executed."""
    from mkdocs.structure.files import File  # the rest is read where MkDocs is not installed

    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    pages = {"contributing.md": contributing.replace("docs/pictures/", "pictures/")}
    pages |= {f"api/{name}": text for name, text in api_pages().items()}
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for file in files:
        executed = EXECUTED / pathlib.PurePosixPath(file.src_uri).name
        if file.src_uri.endswith(".ipynb") and executed.is_file():
            shown = EXECUTED / "shown" / executed.name
            shown.parent.mkdir(exist_ok=True)
            shown.write_text(without_chatter(executed.read_text(encoding="utf-8")), encoding="utf-8")
            file.abs_src_path = str(shown)
    return files


def without_chatter(notebook):
    """A notebook, as text, without what TensorFlow logs as it starts; what a cell prints is one block."""
    told = json.loads(notebook)
    for cell in told["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = _tidied(cell["outputs"])
    return json.dumps(told)


def _tidied(outputs):
    tidied: list[dict] = []
    for output in outputs:
        if output["output_type"] == "stream":
            text = "".join(output["text"])
            text = CHATTER.sub("", text) if output["name"] == "stderr" else text
            if tidied and tidied[-1].get("name") == output["name"]:
                tidied[-1]["text"] += text
                continue
            output = {**output, "text": text}
        if output.get("text") != "":
            tidied.append(output)
    return tidied


def api_pages():
    """Text of each page of the API by its name: a heading a public name, which mkdocstrings fills from docstrings."""
    pages = {}
    listed = ["# API", "What is public, by package; the rest may change without notice.", ""]
    for package in PACKAGES:
        title, names = package, public_names(package)
        page = _page_of(package)
        about = _docstring(ROOT / package.replace(".", "/") / "__init__.py")
        parts = [f"# {title}", about]
        for name, home in names.items():
            if home is None or _shown_by(package, home) != package:
                continue  # a package, or what stands on the page of another
            parts.append(f"::: {home}\n    options:\n      heading: {package}.{name}\n      toc_label: {name}")
        pages[page] = "\n\n".join(parts) + "\n"
        shown = [f"[`{name}`]({_page_of(_shown_by(package, home))}#{home})" for name, home in names.items() if home]
        listed.append(f"**[`{package}`]({page})**: {about.splitlines()[0]} {', '.join(shown)}\n")
    pages["index.md"] = "\n".join(listed)
    return pages


def public_names(package):
    """From each public name of a package to where it is defined, dotted; to `None` of a package in it.

    Read, not imported: the site is built without TensorFlow.
    """
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text(encoding="utf-8"))
    homes = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package):
            homes |= {alias.name: node.module for alias in node.names}
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_HOMES":
            homes = _literal_homes(node.value)
            return {name: home and _defined(package, home, name) for name, home in homes.items()}
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return {name: f"{homes[name]}.{name}" for name in ast.literal_eval(node.value)}
    raise ValueError(f"{package} does not say what is public")


def _defined(package, home, name):
    """Where a name is defined which a package takes from one of its modules, or of its packages."""
    folder = ROOT / package.replace(".", "/") / home.replace(".", "/")
    return public_names(f"{package}.{home}")[name] if folder.is_dir() else f"{package}.{home}.{name}"


def _shown_by(package, home):
    """The package on whose page a public name of a package stands: that which defines it, if it is public there."""
    own = max((one for one in PACKAGES if home.startswith(f"{one}.")), key=len)
    return own if own == package or home in public_names(own).values() else package


def _page_of(package):
    return "root.md" if package == "cpc_keras" else f"{package.removeprefix('cpc_keras.')}.md"


def _literal_homes(node):
    """The dictionary that a package's `_HOMES` is written as; `**dict.fromkeys(names)` are packages."""
    homes = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            homes |= dict.fromkeys(ast.literal_eval(value.args[0]))
        else:
            homes[ast.literal_eval(key)] = ast.literal_eval(value)
    return homes


def _docstring(path):
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""

"""Imports run one way, and only where they are needed."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

import cpc_keras

PACKAGE = pathlib.Path(cpc_keras.__file__).parent
ROOT = pathlib.Path(__file__).parents[2]
# The floors of the house from the top down, as CONTRIBUTING prints them: a module may import from its own room, from
# lower floors, and nothing else of the package.
PRINTED = re.search(r"```text\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.S)[1]
FLOORS = [line.split() for line in PRINTED.splitlines()]
RANKS = {room: -height for height, floor in enumerate(FLOORS) for room in floor}
GROUND = FLOORS[-1]
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            # `from cpc_keras import plots` names a room, or what the package itself defines.
            rooms = [alias.name for alias in node.names if alias.name in RANKS]
            yield from (f"cpc_keras.{room}" for room in rooms) if node.module == "cpc_keras" else [node.module]


def test_the_list_of_rooms_is_short_and_whole():
    there = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name not in ("__pycache__", "recipes")}
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert set(RANKS) == there | files
    assert set(GROUND) == files
    assert len(there) <= 22
    assert len(files) <= 4


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_arrow_points_upwards(path):
    here = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if here in ("__init__", "__main__", "recipes"):
        return
    for name in imported(path):
        if name.startswith("cpc_keras."):
            there = name.split(".")[1]
            ground = here in GROUND and there in GROUND
            assert there == here or ground or RANKS[there] < RANKS[here], f"{here} imports {name}"


@pytest.mark.parametrize("folder", ["layers", "losses", "models"])
def test_layers_losses_and_models_do_not_name_tensorflow(folder):
    """Written in `keras.ops`, so that they run on JAX; the step is TensorFlow's own."""
    for path in (PACKAGE / folder).rglob("*.py"):
        if not path.name.startswith("tensorflow_"):
            assert not {"tensorflow"} & set(imported(path)), path


def test_the_package_and_the_command_line_wake_neither_keras_nor_tensorflow():
    script = (
        "import sys, cpc_keras, cpc_keras.cli\n"
        "heavy = {'keras', 'tensorflow', 'numpy', 'pandas', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_there():
    for name in cpc_keras.__all__:
        assert getattr(cpc_keras, name) is not None
    assert set(cpc_keras.__all__) <= set(dir(cpc_keras))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cpc_keras.nothing  # noqa: B018

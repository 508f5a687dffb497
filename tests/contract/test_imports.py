"""Imports run one way, and only where they are needed."""

import ast
import pathlib
import subprocess
import sys

import pytest

import cpc_keras

PACKAGE = pathlib.Path(cpc_keras.__file__).parent
# A module may import from its own folder, from lower ranks, and nothing else of the package.
RANKS = {
    **dict.fromkeys(["onednn"], -2),
    **dict.fromkeys(["errors", "tensorflow_compiled"], -1),
    **dict.fromkeys(
        [
            "cell_files",
            "compiled",
            "determinism",
            "digests",
            "extras",
            "interrupts",
            "progress",
            "recipe_checks",
            "step_counter",
        ],
        0,
    ),
    **dict.fromkeys(["distribution", "exit_codes", "model_index", "option_values"], 1),
    **dict.fromkeys(["layers", "losses", "optimizers", "data", "recipe", "detection_recipe"], 1),
    **dict.fromkeys(["launching", "mishaps", "models", "recipe_file", "startup", "switches"], 2),
    **dict.fromkeys(["detection", "evaluation", "export", "building", "geometry", "run_folder"], 3),
    **dict.fromkeys(["checkpoints", "detector_cells", "search_folder", "tuned_setting"], 4),
    **dict.fromkeys(["health", "describing", "online_probe", "report_page", "embedding"], 4),
    **dict.fromkeys(["run_callbacks", "tuning_report"], 5),
    **dict.fromkeys(["pretraining"], 6),
    **dict.fromkeys(["label_efficiency", "tuning"], 7),
    **dict.fromkeys(["exporting", "ablation", "detecting", "searching"], 8),
    **dict.fromkeys(["report"], 9),
    **dict.fromkeys(["cli"], 10),
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(name):
    """`cpc_keras.data.sources` lies in the room `data`."""
    return name.split(".")[1] if "." in name else None


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_arrow_points_upwards(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts == ("__init__",) or parts[0] == "recipes":
        return
    here = parts[0]
    for name in imported(path):
        if not name.startswith("cpc_keras."):
            continue
        there = room(name)
        assert there == here or RANKS[there] < RANKS[here], f"{here} imports {name}"


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

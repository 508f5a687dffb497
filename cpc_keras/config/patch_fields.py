"""The recipe's fields that are arguments of `PatchAugmentation`, from its signature and documentation."""

import ast
import dataclasses
import pathlib
import re
from typing import Any

from cpc_keras.config.fields import NOT_NEGATIVE, PIXELS, SHARE, setting

_FILE = pathlib.Path(__file__).parents[1] / "layers" / "patch_augmentation.py"
# Arguments that a recipe says otherwise: `seed` is its own.
_NOT_FIELDS = ("self", "seed")
_BOUNDS = {"sub_crop": PIXELS, "primitives": NOT_NEGATIVE._replace(most=100)}
_KINDS: dict[str, Any] = {"sub_crop": int | None, "primitives": int, "primitive_ranges": dict | None, "clip": bool}


def _read():
    """`[(argument, default, text, bounds)]`.

    From the source, not from the class: to import that takes Keras and TensorFlow
    along, seconds before a mistyped field could be answered.
    """
    tree = ast.parse(_FILE.read_text(encoding="utf-8"))
    (layer,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    (init,) = (node for node in layer.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    tuples = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Tuple)
    }
    texts = _texts(ast.get_docstring(layer))
    names = [argument.arg for argument in init.args.args if argument.arg != "self"]
    for name, node in zip(names, init.args.defaults, strict=True):
        if name not in _NOT_FIELDS:
            default = eval(compile(ast.Expression(node), _FILE.name, "eval"), {"__builtins__": {}})
            usual = SHARE if name in tuples["SHARES"] else NOT_NEGATIVE
            yield name, default, texts[name], _BOUNDS.get(name, usual)


def _texts(docstring):
    """The text of each argument in a docstring."""
    section = re.split(r"^\S", docstring.split("\nArgs:\n")[1], maxsplit=1, flags=re.M)[0]
    parts = re.findall(r"^    (\w+): (.*?)(?=^    \S|\Z)", section, re.S | re.M)
    return {name: " ".join(text.split()) for name, text in parts}


_FIELDS = [
    (
        f"patch_{name}",
        _KINDS.get(name, float),
        setting(default, text, bounds=None if name in ("primitive_ranges", "clip") else bounds),
    )
    for name, default, text, bounds in _read()
]
PatchFields: Any = dataclasses.make_dataclass("PatchFields", _FIELDS, frozen=True, namespace={"__doc__": _read.__doc__})

"""What exported models say of themselves; asking does not wake TensorFlow."""

import json
import pathlib

from cpc_keras.errors import InputError, first_line
from cpc_keras.storage.reading import check_kinds
from cpc_keras.tables import Table

# The file that stands beside a model card.
DESCRIPTION = "model.json"
# What images may also be given as, by the ending of a signature's name.
_OTHER_FORMS = ("_uint8", "_encoded")


def describe_artefact(path):
    """What the artefact in a folder says of itself, as a dictionary.

    Raises:
        InputError: If the folder is no artefact of this package.
    """
    path = pathlib.Path(path)
    try:
        told = json.loads((path / DESCRIPTION).read_text(encoding="utf-8"))
        check_kinds(told, input=dict, signatures=dict)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"`MODEL` must be a folder that `cpc-keras export` wrote. Received: {path} without a readable "
            f"{DESCRIPTION} ({first_line(error)})"
        ) from error
    return told


def model_table(folder):
    """The artefacts in a folder as a `Table`, with the figures of each signature.

    Raises:
        InputError: If there is none.
    """
    columns = ("model", "encoder", "signature", "accuracy, %")
    table = Table(columns, f"Exported models in {folder}", left=range(len(columns)))
    for path in _artefacts(folder):
        try:
            told = describe_artefact(path)
            rows = [(name, _figures(told, name)) for name in told["signatures"] if not name.endswith(_OTHER_FORMS)]
            names = path.name, f"{told.get('encoder', 'a Keras model')}, {told['weights']:,} weights"
        except (InputError, AttributeError, KeyError, TypeError, ValueError):
            table.add(path.name, f"damaged {DESCRIPTION}", "", "")
            continue
        for row in rows:
            table.add(*names, *row)
            names = "", ""
    return table


def model_list(folder):
    """The artefacts in a folder, each a dictionary of its path and what it says of itself, or what is wrong with it.

    Raises:
        InputError: If there is none.
    """
    found = []
    for path in _artefacts(folder):
        try:
            found.append({"path": str(path), **describe_artefact(path)})
        except InputError as error:
            found.append({"path": str(path), "error": str(error)})
    return found


def _artefacts(folder):
    found = sorted(path.parent for path in pathlib.Path(folder).glob(f"[!.]*/{DESCRIPTION}"))
    if not found:
        raise InputError(f"`FOLDER` must hold a folder that `cpc-keras export` wrote. Received: {folder}")
    return found


def _figures(told, signature):
    head = told.get("head")
    if signature == "classify" and "accuracy" in (head or {}):
        return f"{head['labels']:,} labels: {head['accuracy']:.1f}"
    figures = told.get("figures", {"budgets": [], "signatures": {}})
    same = {"features": "serving_default"}.get(signature, signature)
    row = dict(zip(figures["budgets"], figures["signatures"].get(same, ()), strict=False))
    return ", ".join(f"{budget}: {value:.1f}" for budget, value in row.items() if value is not None)

"""Records of an evaluation as rows and columns, for whoever shows them."""

import numpy as np
from rich.table import Table

ROW_NAMES = {
    ("linear", "cpc"): "CPC, frozen, linear probe",
    ("knn", "cpc"): "CPC, frozen, kNN",
    ("supervised", "scratch"): "supervised from scratch",
    ("linear", "untrained"): "untrained encoder, linear probe",
    ("knn", "untrained"): "untrained encoder, kNN",
    ("linear", "pixels"): "raw pixels, linear probe",
    ("knn", "pixels"): "raw pixels, kNN",
}


def accuracy_rows(records):
    """Top-1 accuracy by method and number of labels.

    Args:
        records: As in `label_efficiency.json`.

    Returns:
        `(columns, rows)`: the numbers of labels, rising, and a list of
        `(name, cells)`, where each cell is a float array of accuracies in %, one
        for each seed, empty where nothing was measured.

    Example:

    >>> record = {"method": "linear", "encoder": "cpc", "labels": 50, "top1": 0.7}
    >>> accuracy_rows([record, {**record, "top1": 0.8}])
    ([50], [('CPC, frozen, linear probe', [array([70., 80.])])])
    """
    columns = sorted({record["labels"] for record in records})
    rows = []
    for key, name in ROW_NAMES.items():
        own = [record for record in records if (record["method"], record["encoder"]) == key]
        if own:
            cells = [np.array([100 * r["top1"] for r in own if r["labels"] == labels]) for labels in columns]
            rows.append((name, cells))
    return columns, rows


def label_table(records):
    """A `rich` table of test accuracy by method and number of labels."""
    columns, rows = accuracy_rows(records)
    per_class = {record["labels"]: record["labels_per_class"] for record in records}
    table = Table(title="Test accuracy, %: mean over label seeds (lowest–highest)")
    table.add_column("method")
    for labels in columns:
        name = f"{per_class[labels]} a class" if per_class[labels] else f"{labels} labels"
        table.add_column(name, justify="right")
    for name, cells in rows:
        table.add_row(name, *(f"{c.mean():.1f} ({c.min():.1f}–{c.max():.1f})" if len(c) else "–" for c in cells))
    return table

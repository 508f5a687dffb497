import numpy as np
import pandas as pd

from cpc_keras.report.label_tables import LISTED, class_table, second_table
from tests.wild_names import NAMES


def test_each_class_has_what_it_is_mostly_taken_for():
    counts = np.array([[8, 2, 0], [1, 1, 2], [0, 0, 0]])
    rows = [row.cells for row in class_table(counts, ("cat", "dog", "never tested")).rows]
    assert rows == [
        ("cat", "10", "80.0", "88.9", "dog, 20"),
        ("dog", "4", "25.0", "33.3", "never tested, 50"),
    ]
    assert class_table(np.array([[0, 3], [0, 3]]), ("cat", "dog")).rows[0].cells[2:4] == ("0.0", "–")
    assert class_table(np.eye(2, dtype=int), ("cat", "dog")).rows[0].cells[-1] == "–"


def test_each_class_has_its_auc_where_it_was_measured():
    table = class_table(np.array([[3, 1], [0, 0]]), ("cat", "dog"), np.array([0.9876, np.nan]))
    assert table.columns[4] == "AUC" and table.rows[0].cells[4:] == ("0.988", "dog, 25")
    table = class_table(np.eye(2, dtype=int), ("cat", "dog"), np.array([np.nan, 1.0]))
    assert [row.cells[4] for row in table.rows] == ["–", "1.000"]


def test_of_many_classes_the_worst_are_listed():
    counts = np.diag(np.arange(500)) + 50 * np.eye(500, k=1, dtype=int)
    names = [f"{'n' * 300}{index}" for index in range(500)]
    table = class_table(counts, names)
    assert [row.cells[0] for row in table.rows] == names[:LISTED]
    assert len(table.html()) < 100_000


def test_every_name_is_a_row():
    page = class_table(np.eye(len(NAMES), dtype=int), NAMES).html()
    assert page.count("<tr>") == 1 + len(NAMES)


def test_the_papers_second_table_tells_what_is_learnt_from_images_without_labels():
    rows = [
        ("supervised", "scratch", 0.6),
        ("vat", "scratch", 0.65),
        ("linear", "cpc", 0.7),
        ("finetune", "cpc", 0.72),
        ("vat", "cpc", 0.75),
        ("linear", "pixels", 0.5),
    ]
    summary = pd.DataFrame(rows, columns=["method", "encoder", "mean"]).assign(labels=50, budget="5 a class")
    table = second_table(summary)
    assert [row.cells[0] for row in table.rows] == [
        "nothing",
        "labels, propagated by a network",
        "representations",
        "representations",
        "representations first, then labels",
    ]
    cells = {row.cells[1]: row.cells[2:] for row in table.rows}
    assert cells["VAT from scratch"] == ("44.1", "82.8", "65.0")
    assert cells["CPC, VAT"] == ("–", "–", "75.0")  # nobody published it
    assert cells["CPC, fine-tuned"] == ("77.9", "91.2", "72.0")
    assert second_table(summary[summary["method"] != "vat"]) is None

"""The section of a report on what is taken for what."""

import numpy as np
from sklearn.metrics import confusion_matrix

from cpc_keras import plots
from cpc_keras.evaluation.methods import row_name
from cpc_keras.report.label_tables import LISTED, class_table
from cpc_keras.report.page import Section

_NOTE = (
    "Rows of a picture are the true classes, in %; the best CPC method with the fewest and with the most labels. "
    f"The table is of the most labels; of more than {LISTED} classes it has those that are recognised worst."
)


def confusion_section(folder, best, labelled):
    """A `Section` with confusion matrices, and a table of the classes.

    Args:
        folder: The `RunFolder`; the picture is written into its `report`.
        best: By number of labels, rising, lists of `(record, arrays)` of the best CPC
            method there, a label subset each, see
            `cpc_keras.evaluation.results.EvaluationStore.details`.
        labelled: A `LabelledImages`, or `RecordedLabels`.
    """
    matrices = [_counted(chosen, labelled) for chosen in best[:1] + best[1:][-1:]]
    plots.confusion(matrices, labelled.class_names, folder.report / "confusion.png")
    table = class_table(matrices[-1][1], labelled.class_names, _class_aucs(best[-1]))
    return Section("What is taken for what", "confusion.png", table, _NOTE)


def _counted(chosen, labelled):
    """`(title, counts [classes, classes])` of a method, label subsets together."""
    classes = np.arange(labelled.classes)
    counts = sum(confusion_matrix(labelled.test_labels, arrays["predicted"], labels=classes) for _, arrays in chosen)
    record = chosen[0][0]
    return f"{row_name(record['method'], 'cpc')}, {record['labels']:,} labels", counts


def _class_aucs(chosen):
    """Mean over label subsets, `[classes]`; `None` unless all have it."""
    known = [arrays["class_auc"] for _, arrays in chosen if "class_auc" in arrays]
    return np.mean(known, axis=0) if len(known) == len(chosen) else None

"""Sections of a report on what people decide by: how classes are ranked, what a probability is worth, a threshold."""

import numpy as np
from sklearn.metrics import confusion_matrix

from cpc_keras.evaluation.methods import row_name
from cpc_keras.evaluation.table import budgets_of
from cpc_keras.report.page import Section
from cpc_keras.tables import Cell, Table

_AUC_NOTE = (
    "How often an image of a class is given a higher probability of it than an image of another one (area under the "
    "ROC curve, one class against the rest, classes alike; 0.5 is chance, 1 is perfect), whatever the threshold. Means "
    "over label subsets; brackets go from the lowest to the highest."
)
_CALIBRATION_NOTE = (
    "How far the probability of what is said is from how often it is right (expected calibration error in 15 bins, in "
    "points), and the mean of −ln of the probability of the true class (log loss), before → after the logits are "
    "divided by a temperature, in brackets (Guo et al. 2017, arXiv 1706.04599). It is fitted inside the labelled "
    "subset, by labels that were held out; what is said stays the same. It is 1 where a subset is too small to hold "
    "any label out. Networks are left as they are trained. Means over label subsets."
)


def decision_sections(details, labelled, summary):
    """Sections on AUC, calibration and thresholds, as far as results have what they show.

    Args:
        details: List of `(record, arrays)`, of one CPC checkpoint and all that it is
            compared with, see `cpc_keras.evaluation.results.EvaluationStore.details`.
        labelled: A `LabelledImages`, or `RecordedLabels`.
        summary: That of `cpc_keras.evaluation.results.Results`, of the same checkpoint.

    Returns:
        A list of `Section`.
    """
    sections, budgets = [], budgets_of(summary)
    records = [record for record, _ in details]
    ours = [record for record in records if record["encoder"] == "cpc"]
    if any(record["auc"] is not None for record in records):
        table = auc_table(records, budgets)
        sections.append(Section("How well are classes told apart?", table=table, note=_AUC_NOTE))
    if any(record["calibration_error"] is not None for record in ours):
        table = calibration_table(ours, budgets)
        sections.append(Section("What is a probability worth?", table=table, note=_CALIBRATION_NOTE))
    table = threshold_table(details, labelled.test_labels, labelled.class_names)
    if table is not None:
        note = _threshold_note(labelled.class_names[1])
        sections.append(Section("Where to draw the line between two classes", table=table, note=note))
    return sections


def auc_table(records, budgets):
    """AUC by method and number of labels.

    Args:
        records: As in `label_efficiency.json`.
        budgets: Dictionary from a number of labels to what it is called.
    """
    table = Table(["mean AUC (lowest–highest)", *budgets.values()])
    for (method, encoder), by_labels in _grouped(records).items():
        cells = [_spread([record["auc"] for record in by_labels.get(labels, ())]) for labels in budgets]
        table.add(row_name(method, encoder), *cells, ours=encoder == "cpc")
    return table


def calibration_table(records, budgets):
    """Calibration error and log loss by method and number of labels, before and after calibration.

    Args:
        records: As in `label_efficiency.json`.
        budgets: Dictionary from a number of labels to what it is called.
    """
    table = Table(["before → after (temperature)", *budgets.values()])
    for (method, encoder), by_labels in _grouped(records).items():
        for name, words, factor, digits in (
            ("calibration_error", "calibration error, %", 100, 1),
            ("log_loss", "log loss", 1, 2),
        ):
            cells = [_before_and_after(by_labels.get(labels, ()), name, factor, digits) for labels in budgets]
            table.add(f"{row_name(method, encoder)}: {words}", *cells)
    return table


def threshold_table(details, truth, names):
    """Recall and precision of two classes at 0.5 and at the threshold that was chosen inside the labels.

    Args:
        details: List of `(record, arrays)`.
        truth: Integer array `[N]`, classes of the test images.
        names: Names of the classes.

    Returns:
        A `Table` with two rows for each method on the CPC encoder, with the most labels
        that it was given; `None` of other than two classes, or if no result has a threshold.
    """
    chosen: dict[str, dict[int, list]] = {}
    for record, arrays in details:
        if record["encoder"] == "cpc" and "at_threshold" in arrays:
            chosen.setdefault(record["method"], {}).setdefault(record["labels"], []).append((record, arrays))
    if not chosen or len(names) != 2:
        return None
    columns = [f"{figure} of {name}, %" for name in names for figure in ("recall", "precision")]
    table = Table(("method", "labels", "threshold", *columns, "balanced accuracy, %"))
    for method, by_labels in chosen.items():
        labels = max(by_labels)
        found = by_labels[labels]
        thresholds = [record["threshold"] for record, _ in found]
        for name, said in (("predicted", "0.5"), ("at_threshold", _chosen(thresholds))):
            counts = sum(confusion_matrix(truth, arrays[name], labels=[0, 1]) for _, arrays in found)
            table.add(row_name(method, "cpc"), f"{labels:,}", said, *_rates(counts))
    return table


def _threshold_note(second):
    return (
        f"“{second}” is said from the threshold on, of its calibrated probability. The second row of a method has the "
        "threshold of the highest balanced accuracy on labels that were held out inside the labelled subset, of "
        "several the one nearest to 0.5; test images had no say. Predictions of all label subsets together; in "
        "brackets the lowest and the highest threshold."
    )


def _grouped(records):
    """From `(method, encoder)` to a dictionary from a number of labels to its records."""
    grouped: dict[tuple, dict[int, list]] = {}
    for record in records:
        by_labels = grouped.setdefault((record["method"], record["encoder"]), {})
        by_labels.setdefault(record["labels"], []).append(record)
    return grouped


def _spread(figures):
    known = [figure for figure in figures if figure is not None]
    if not known:
        return "–"
    brackets = f"({min(known):.3f}–{max(known):.3f})" if len(known) > 1 else ""
    return Cell(f"{np.mean(known):.3f}", brackets)


def _before_and_after(records, name, factor, digits):
    known = [record for record in records if record[name] is not None]
    if not known:
        return "–"
    before, after = (factor * np.mean([record[key] for record in known]) for key in (f"{name}_before", name))
    temperatures = [record["temperature"] for record in known]
    if None in temperatures:
        return f"{after:.{digits}f}"
    return Cell(f"{before:.{digits}f} → {after:.{digits}f}", f"({_temperature(temperatures)})")


def _temperature(values):
    return "1, none held out" if set(values) == {1.0} else f"{np.mean(values):.2f}"


def _chosen(thresholds):
    low, high = min(thresholds), max(thresholds)
    return Cell(f"{np.mean(thresholds):.3f}", f"({low:.3f}–{high:.3f})" if low < high else "")


def _rates(counts):
    """Recall and precision of both classes, and balanced accuracy, in %."""
    recalls = np.diag(counts) / np.maximum(counts.sum(axis=1), 1)
    given = counts.sum(axis=0)
    cells = []
    for one in (0, 1):
        precision = f"{100 * counts[one, one] / given[one]:.1f}" if given[one] else "–"
        cells += [f"{100 * recalls[one]:.1f}", precision]
    return [*cells, f"{100 * recalls.mean():.1f}"]

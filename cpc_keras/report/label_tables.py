"""The tables of the report about labels: accuracy, what pre-training is worth, published figures."""

import numpy as np
import pandas as pd

from cpc_keras.evaluation.methods import JOINT, SCRATCH, row_name
from cpc_keras.evaluation.table import budgets_of, in_brackets, label_table, points
from cpc_keras.report.published import LOW_LABEL_TOP5, PUBLISHED
from cpc_keras.tables import Table

# Classes that a table has room for.
LISTED = 100

PUBLISHED_REMARK = (
    "Different data: the two kinds of rows cannot be compared. The published ones (Hénaff et al. 2019, arXiv "
    "1905.09272) are of ImageNet’s 1,000 classes and much larger networks; they show how the gap between pre-training "
    "and supervision behaves, not what to expect here."
)

SECOND_REMARK = (
    "Different data: the columns of ImageNet are top-5 with 1 % and 10 % of its labels, as published (Hénaff et al. "
    "2019, arXiv 1905.09272, Table 2: of CPC that is the fine-tuned ResNet-161; joint training with rotation or "
    "exemplars, Zhai et al. 2019, arXiv 1905.03670), the others are this run’s. All networks here have one "
    "architecture and at most as many steps, and the setting that was chosen inside the labels for the network that "
    "learns from these alone."
)
_IMAGENET = ("ImageNet, 1 %, top-5, %", "ImageNet, 10 %, top-5, %")

# Where the figures of a run are of another kind than the published ones.
PLAIN_REMARK = "Figures here are plain accuracy, as the published ones are; the table above has balanced accuracy."


def accuracy_table(summary, findings, name):
    """Accuracy by method and number of labels, and what pre-training is worth.

    Args:
        summary: That of `cpc_keras.evaluation.results.Results`.
        findings: As of `cpc_keras.evaluation.findings.find`.
        name: What the figures are called.
    """
    table = label_table(summary, name)
    table.columns[0] = f"{name}, % ({in_brackets(summary)})"
    for title, texts in (
        (
            "best CPC method ahead of the best baseline by (95 % interval)",
            {one.labels: points(one.ahead) for one in findings if one.ahead is not None},
        ),
        ("worth, in labels of the supervised network", {one.labels: one.worth_text for one in findings}),
    ):
        if any(texts.values()):
            table.add(title, *(texts.get(labels) or "–" for labels in budgets_of(summary)))
    return table


def published_table(summary, step):
    """Published ImageNet figures, and below them ours, marked as of other data.

    Args:
        summary: That of `cpc_keras.evaluation.results.Results`, of top-1.
        step: Step of the CPC encoder that is reported on.
    """
    table = Table(("method", "images", "labels", "top-1, %", "top-5, %"))
    for name, labels, *figures in PUBLISHED:
        table.add(name, "ImageNet", labels, *map(_figure, figures))
    ours = summary[(summary["encoder"] == "scratch") | (summary["checkpoint"] == step)]
    for _, row in ours.sort_values("labels").iterrows():
        top5 = None if pd.isna(row["top5"]) else 100 * row["top5"]
        name = row_name(row["method"], row["encoder"])
        table.add(name, "this run’s images", row["budget"], _figure(100 * row["mean"]), _figure(top5), ours=True)
    return table


def second_table(summary):
    """The paper's second table: methods by what they learn from images without labels, published figures beside ours.

    Args:
        summary: That of `cpc_keras.evaluation.results.Results`, of one CPC encoder and of top-1.

    Returns:
        A `Table`; `None` if no network was evaluated that learns from labelled and
        unlabelled images at once.
    """
    if not summary["method"].isin(JOINT).any():
        return None
    budgets = budgets_of(summary)
    columns = [f"these images, {name}, top-1, %" for name in budgets.values()]
    table = Table(("what it learns from images without labels", "method", *_IMAGENET, *columns), left=(0, 1))
    joint = summary["method"].isin(JOINT)
    kinds = {
        "nothing": summary["method"] == "supervised",
        "labels, propagated by a network": joint & (summary["encoder"] == SCRATCH),
        "representations": ~joint & (summary["encoder"] == "cpc"),
        "representations first, then labels": joint & (summary["encoder"] == "cpc"),
    }
    for kind, rows in kinds.items():
        for (method, encoder), group in summary[rows].groupby(["method", "encoder"], sort=False):
            published = LOW_LABEL_TOP5.get(method, ()) if encoder == SCRATCH or method == "finetune" else ()
            figures = dict(zip(group["labels"], group["mean"], strict=True))
            table.add(
                *(kind, row_name(method, encoder)),
                *map(_figure, published or (None, None)),
                *(_figure(100 * figures[labels] if labels in figures else None) for labels in budgets),
            )
    return table


def class_table(counts, names, aucs=None):
    """Each class with recall, precision, AUC and what it is mostly taken for; of very many, those of the lowest recall.

    Args:
        counts: Integer array `[classes, classes]`, rows the truth.
        names: Name of each class.
        aucs: Float array `[classes]` in `[0, 1]`, the area under the ROC curve of each, NaN
            where it is not defined; `None` if it was not measured.
    """
    images = counts.sum(axis=1)
    right = np.diag(counts) / np.maximum(images, 1)
    given = counts.sum(axis=0)
    wrong = counts - np.diag(np.diag(counts))
    tested = np.flatnonzero(images)
    worst = tested[np.argsort(right[tested], kind="stable")][:LISTED]
    measured = ("AUC",) if aucs is not None else ()
    columns = ("class", "predictions", "recall, %", "precision, %", *measured, "mostly taken for, %")
    table = Table(columns, left=(0, len(columns) - 1))
    for one in np.sort(worst):
        other = wrong[one].argmax()
        taken = f"{names[other]}, {100 * wrong[one, other] / images[one]:.0f}" if wrong[one, other] else "–"
        precision = f"{100 * counts[one, one] / given[one]:.1f}" if given[one] else "–"
        auc = () if aucs is None else ("–" if np.isnan(aucs[one]) else f"{aucs[one]:.3f}",)
        table.add(names[one], f"{images[one]:,}", f"{100 * right[one]:.1f}", precision, *auc, taken)
    return table


def _figure(value):
    return "–" if value is None else f"{value:.1f}"

"""What people decide by, from results whose figures are known."""

import numpy as np
import pandas as pd
import pytest

from cpc_keras.evaluation.recorded_labels import RecordedLabels
from cpc_keras.evaluation.results import FIELDS, Results
from cpc_keras.report.decisions import auc_table, calibration_table, decision_sections, threshold_table

TRUTH = np.array([0, 0, 0, 0, 1, 1])
FIGURES = {"auc": 0.9, "log_loss": 0.4, "calibration_error": 0.03, "log_loss_before": 0.55}
FIGURES |= {"calibration_error_before": 0.081, "temperature": 1.5, "threshold": 0.3, "top1": 0.5}


def result(seed=0, method="linear", encoder="cpc", labels=10, at_threshold=(0, 0, 0, 1, 1, 1), **figures):
    record = dict.fromkeys(FIELDS) | FIGURES
    record |= {"method": method, "encoder": encoder, "labels": labels, "labels_per_class": labels // 2, "seed": seed}
    arrays = {"predicted": np.array([0, 0, 0, 0, 0, 1]), "at_threshold": np.array(at_threshold)}
    return record | figures, arrays


def cells(table):
    return [[str(cell) for cell in row.cells] for row in table.rows]


def test_auc_by_method_and_labels():
    records = [result(0, auc=0.9)[0], result(1, auc=0.96)[0], result(labels=40, auc=None)[0]]
    records += [result(0, "knn", "pixels", auc=0.7512)[0]]
    assert cells(auc_table(records, {10: "5 a class", 40: "20 a class"})) == [
        ["CPC, frozen, linear probe", "0.930 (0.900–0.960)", "–"],
        ["raw pixels, kNN", "0.751", "–"],
    ]


def test_calibration_before_and_after():
    networks = {"temperature": None, "calibration_error": 0.2, "log_loss": 1.25}
    records = [result(0)[0], result(1, temperature=1.7, calibration_error=0.05)[0]]
    records += [result(labels=2, temperature=1.0)[0], result(method="finetune", **networks)[0]]
    assert cells(calibration_table(records, {2: "1 a class", 10: "5 a class"})) == [
        [
            "CPC, frozen, linear probe: calibration error, %",
            "8.1 → 3.0 (1, none held out)",
            "8.1 → 4.0 (1.60)",
        ],
        ["CPC, frozen, linear probe: log loss", "0.55 → 0.40 (1, none held out)", "0.55 → 0.40 (1.60)"],
        ["CPC, fine-tuned: calibration error, %", "–", "20.0"],
        ["CPC, fine-tuned: log loss", "–", "1.25"],
    ]


def test_recall_and_precision_at_the_threshold_and_at_one_half():
    details = [result(labels=4), result(0), result(1, threshold=0.4), result(encoder="pixels")]
    assert cells(threshold_table(details, TRUTH, ("sound", "cracked"))) == [
        ["CPC, frozen, linear probe", "10", "0.5", "100.0", "80.0", "50.0", "100.0", "75.0"],
        ["CPC, frozen, linear probe", "10", "0.350 (0.300–0.400)", "75.0", "100.0", "100.0", "66.7", "87.5"],
    ]
    (_, row) = cells(threshold_table([result(at_threshold=[0] * 6)], TRUTH, ("sound", "cracked")))
    assert row[3:] == ["100.0", "66.7", "0.0", "–", "50.0"]
    assert threshold_table(details, TRUTH, ("a", "b", "c")) is None


LABELLED = RecordedLabels(TRUTH, ("sound", "<b>cracked"), "top1", "test accuracy", [], "of these")


@pytest.mark.parametrize("former", [False, True])
def test_sections_are_of_what_results_have(former):
    record, arrays = result()
    if former:
        record = record | dict.fromkeys(FIGURES) | {"top1": 0.5}
        arrays = {"predicted": arrays["predicted"]}
    summary = Results([(record, arrays["predicted"])], TRUTH).summary
    assert pd.isna(summary["auc"].iloc[0]) == former
    sections = decision_sections([(record, arrays)], LABELLED, summary)
    titles = ["How well are classes told apart?", "What is a probability worth?"]
    titles += ["Where to draw the line between two classes"]
    assert [section.title for section in sections] == ([] if former else titles)

import io

import numpy as np
from rich.console import Console

from cpc_keras.evaluation.results import Results
from cpc_keras.evaluation.table import fewer_subsets, label_table


def result(encoder, labels, seed, right, checkpoint=None):
    record = {"method": "linear", "encoder": encoder, "checkpoint": checkpoint, "labels": labels, "seed": seed}
    record |= {"labels_per_class": labels // 2, "fraction": None, "top1": right / 4, "top5": None}
    return record, np.array([1] * right + [0] * (4 - right))


def shown(results, checkpoint, width=120):
    console = Console(width=width, file=io.StringIO())
    console.print(label_table(Results(results, np.ones(4)).at(checkpoint), "test accuracy").rich())
    return console.file.getvalue()


def test_means_over_subsets_at_one_checkpoint():
    results = [
        result("cpc", 4, 0, 2, 200),
        result("cpc", 4, 1, 3, 200),
        result("cpc", 4, 0, 4, 100),
        result("pixels", 8, 0, 1),
    ]
    text = shown(results, 200)
    title = "Test accuracy, %: mean over label subsets (lowest–highest; of one, the 95 % interval)"
    assert title in " ".join(text.split())
    assert "62.5 (50.0–75.0)" in text and "100.0" not in text
    (pixels,) = (line for line in text.splitlines() if "raw pixels" in line)
    assert pixels.index("–") < pixels.index("25.0")  # nothing measured at 2 a class


def test_a_narrow_screen_cuts_no_figure():
    results = [result("untrained", 2 * labels, seed, 1 + seed) for labels in (5, 10, 60, 600, 6000) for seed in (0, 1)]
    text = shown(results, None, width=80)
    assert text.count("(25.0–50.0)") == 5 and "…" not in text
    assert "(lowest–highest)" in " ".join(text.split())
    more = [result("untrained", 2 * labels, seed, 1 + seed) for labels in range(1, 8) for seed in (0, 1)]
    assert shown(more, None, width=80).count("37.5") == 7


def test_one_subset_has_the_interval_of_its_images():
    text = shown([result("cpc", 4, 0, 2, 200)], 200)
    assert "(of one, the 95 % interval)" in " ".join(text.split())
    assert "50.0 (0.0–100.0)" in text


def test_figures_of_fewer_subsets_than_others_are_named():
    results = [result("pixels", 4, seed, 1) for seed in range(3)] + [result("pixels", 8, 0, 1)]
    summary = Results([*results, *(result("cpc", 4, seed, 2, 200) for seed in range(3))], np.ones(4)).at(200)
    assert fewer_subsets(summary) == ""
    results += [result("cpc", 4, 0, 2, 200), result("cpc", 4, 1, 2, 100), result("cpc", 8, 0, 3, 200)]
    summary = Results(results, np.ones(4)).at(200)
    assert fewer_subsets(summary) == (
        "Of fewer label subsets than others: CPC, frozen, linear probe, 2 a class (1 of 3)."
    )
    tuned = result("cpc", 8, 0, 3, 200)
    tuned[0]["method"] = "linear_tuned"
    more = [result("cpc", 8, 1, 3, 200), tuned, result("pixels", 8, 1, 1), *results[:3]]
    assert fewer_subsets(Results([*more, results[3], results[-1]], np.ones(4)).at(200)) == ""
    assert fewer_subsets(summary.iloc[:0]) == ""

"""The section of a report on what was got wrong with the highest probability."""

import numpy as np

from cpc_keras import plots
from cpc_keras.data.image_set import to_float
from cpc_keras.evaluation.methods import row_name
from cpc_keras.report.page import Section
from cpc_keras.tables import Table

# Mistakes that are shown.
MISTAKES = 24

_MISTAKES_NOTE = (
    "What the best CPC method with the most labels (its first label subset) got wrong with the highest probability, "
    "calibrated where it can be. Labels that are wrong are often among them."
)


def mistakes_section(folder, best, labelled, images):
    """A `Section` with the surest mistakes of a method, pictures and names.

    Args:
        folder: The `RunFolder`; the picture is written into its `report`.
        best: List of `(record, arrays)` of one method, a label subset each, see
            `cpc_keras.evaluation.results.EvaluationStore.details`.
        labelled: A `LabelledImages`.
        images: The `ImageSet` of its test images.

    Returns:
        The section; `None` where the results are of an earlier version, which kept no
        probabilities.
    """
    title = "The surest mistakes"
    record, arrays = min(best, key=lambda one: one[0]["seed"])
    if "confidence" not in arrays:
        return None
    method = f"{row_name(record['method'], 'cpc')}, {record['labels']:,} labels"
    positions = surest_mistakes(arrays, labelled.test_labels)
    if not len(positions):
        return Section(title, note=f"None of the {len(images):,} test images was got wrong by “{method}”.")
    table = Table(("image", "true class", "said", "probability, %"), left=(0, 1, 2))
    pictures = []
    for number, position in enumerate(positions, start=1):
        names = [labelled.class_names[kind] for kind in (labelled.test_labels[position], arrays["predicted"][position])]
        sureness = f"{100 * arrays['confidence'][position]:.1f}"
        table.add(f"{number}. {images.ids[position]}", *names, sureness)
        pictures.append((to_float(images.read(int(position))), f"{number}. {sureness} %", *names))
    plots.mistake_grid(pictures, folder.report / "mistakes.png")
    return Section(title, "mistakes.png", table, f"{_MISTAKES_NOTE} Here: {method}.")


def surest_mistakes(arrays, truth, count=MISTAKES):
    """Positions of the test images that were got wrong with the highest probability, the surest first.

    Args:
        arrays: Those of a result: `predicted` `[N]` and `confidence` `[N]`.
        truth: Integer array `[N]`.
        count: How many at most.

    Example:

    >>> arrays = {"predicted": np.array([0, 1, 1, 0]), "confidence": np.array([0.6, 0.9, 0.7, 0.8])}
    >>> surest_mistakes(arrays, np.array([1, 1, 0, 1])).tolist()
    [3, 2, 0]
    """
    wrong = np.flatnonzero((arrays["predicted"] != truth) & np.isfinite(arrays["confidence"]))
    return wrong[np.argsort(-arrays["confidence"][wrong], kind="stable")][:count]

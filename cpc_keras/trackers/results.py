"""What comes after a training goes to the tracker that was told of it."""

import re
import statistics

from cpc_keras.trackers.tracking import open_again

_FIGURES = ("top1", "balanced_accuracy")


def track_figures(folder, console, records, step):
    """Tells a run's tracker, if it has one, what an evaluation found.

    Args:
        folder: The `RunFolder`.
        console: A `rich.console.Console`.
        records: As of `label_efficiency.json`, of one checkpoint.
        step: Of the checkpoint.
    """
    with open_again(folder, console.print) as tracking:
        tracking.conclude(mean_figures(records), step)


def track_files(folder, console, path, place):
    """Gives a run's tracker, if it has one, a copy of a file or folder.

    Args:
        folder: The `RunFolder`.
        console: A `rich.console.Console`.
        path: A `pathlib.Path`.
        place: Folder that it goes to there.
    """
    with open_again(folder, console.print) as tracking:
        tracking.keep(path, place)


def mean_figures(records):
    """Means over label subsets, by method, encoder, number of labels and figure.

    Args:
        records: List of dictionaries, as of `label_efficiency.json`.

    Returns:
        A dictionary from name to a rate in `[0, 1]`.

    Example:

    >>> record = {"method": "knn", "encoder": "cpc", "labels": 50, "selection": None, "balanced_accuracy": 0.5}
    >>> mean_figures([{**record, "top1": 0.25}, {**record, "top1": 0.75}])
    {'knn/cpc/50 labels/top1': 0.5, 'knn/cpc/50 labels/balanced_accuracy': 0.5}
    """
    found: dict[str, list[float]] = {}
    for record in records:
        # Letters that trackers take, whatever an encoder's file is called.
        encoder = re.sub(r"[^\w. -]", "_", record["encoder"])
        chosen = f" {record['selection']}" if record.get("selection") else ""
        for figure in _FIGURES:
            name = f"{record['method']}/{encoder}/{record['labels']} labels{chosen}/{figure}"
            found.setdefault(name, []).append(record[figure])
    return {name: statistics.fmean(values) for name, values in found.items()}

"""The cells of an evaluation on the disk: one method, encoder, checkpoint, budget and seed each."""

import json
import os

import numpy as np

FIELDS = (
    *("method", "encoder", "checkpoint", "fraction", "labels", "labels_per_class", "seed", "split"),
    *("top1", "top5", "balanced_accuracy", "selected", "trials", "seconds"),
)


class Cells:
    """Finished cells, each in a file of its own that appears whole.

    A cell is known again by what went into it: encoder, settings, labels,
    images. So an evaluation that is run again goes on where it was, and
    another data set begins anew.

    Args:
        folder: Where the cells of one data set go.
    """

    def __init__(self, folder):
        self.folder = folder

    def load(self, name, digest):
        """The record of a finished cell, or `None`.

        Args:
            name: Of the cell.
            digest: Of what goes into it.
        """
        path = self._path(name)
        if not path.is_file():
            return None
        with np.load(path) as file:
            if str(file["digest"]) != digest:
                return None
            return json.loads(str(file["record"]))

    def save(self, name, digest, record, predicted):
        """Keeps a finished cell.

        Args:
            name: Of the cell.
            digest: Of what went into it.
            record: As in `label_efficiency.json`.
            predicted: Integer array `[N]`, the class given to each examined
                image.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(name)
        partial = path.with_name(f".{name}.partial")
        with open(partial, "wb") as file:
            np.savez_compressed(file, digest=digest, record=json.dumps(record), predicted=predicted.astype("int32"))
        os.replace(partial, path)

    def everything(self):
        """`[(record, predicted)]` of every finished cell, in an order of their own."""
        found = []
        for path in self.folder.glob("*.npz"):
            with np.load(path) as file:
                found.append((json.loads(str(file["record"])), file["predicted"]))
        found.sort(key=lambda cell: _rank(cell[0]))
        # 60 a class and 1 % may be the same labels, drawn alike: one subset is counted once.
        return list({_subset(record): (record, predicted) for record, predicted in reversed(found)}.values())[::-1]

    def _path(self, name):
        return self.folder / f"{name}.npz"


def _rank(record):
    """Encoders by kind, then checkpoints, methods, budgets, seeds."""
    encoders, methods = ("cpc", "untrained", "pixels", "scratch"), ("linear", "linear_v1", "linear_v2", "knn")
    encoder, method = record["encoder"], record["method"]
    return (
        encoders.index(encoder) if encoder in encoders else len(encoders),
        encoder,
        -(record["checkpoint"] or 0),
        methods.index(method) if method in methods else len(methods),
        method,
        record["labels"],
        record["fraction"] or 0.0,
        record["seed"],
    )


def _subset(record):
    return tuple(record[key] for key in ("method", "encoder", "checkpoint", "labels", "seed"))

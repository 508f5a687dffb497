"""The cells of an evaluation on the disk: one method, encoder, checkpoint, budget and seed each."""

from cpc_keras.storage.results import ResultStore

FIELDS = (
    *("method", "encoder", "checkpoint", "fraction", "labels", "labels_per_class", "seed", "split"),
    *("top1", "top5", "balanced_accuracy", "selected", "trials", "seconds"),
)


class Cells:
    """Finished cells, known again by encoder, settings, labels and images; see `ResultStore`.

    Args:
        folder: Where the cells of one data set go.
    """

    def __init__(self, folder):
        self.folder = folder
        self._files = ResultStore(folder)

    def load(self, name, digest):
        """`(record, predicted)` of a finished cell, or `None`.

        Args:
            name: Of the cell.
            digest: Of what goes into it.
        """
        found = self._files.load(name, digest)
        return found and (found[0], found[1]["predicted"])

    def save(self, name, digest, record, predicted):
        """Keeps a finished cell.

        Args:
            name: Of the cell.
            digest: Of what went into it.
            record: As in `label_efficiency.json`.
            predicted: Integer array `[N]`, the class given to each examined
                image.
        """
        self._files.save(name, digest, record, predicted=predicted.astype("int32"))

    def everything(self):
        """`[(record, predicted)]` of every finished cell, in an order of their own."""
        found = [(record, arrays["predicted"]) for record, arrays in self._files.everything()]
        found.sort(key=lambda cell: _rank(cell[0]))
        # 60 a class and 1 % may be the same labels, drawn alike: one subset is counted once.
        return list({_subset(record): (record, predicted) for record, predicted in reversed(found)}.values())[::-1]


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

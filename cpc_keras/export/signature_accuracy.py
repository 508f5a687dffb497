"""How well a linear probe does on what each signature of an export gives."""

import numpy as np

from cpc_keras.data.budgets import Budget
from cpc_keras.data.labelled_images import Round
from cpc_keras.errors import InputError
from cpc_keras.evaluation.cells import Cells
from cpc_keras.evaluation.contestants import ProbeContestant
from cpc_keras.evaluation.label_table import budget_name, row_name
from cpc_keras.evaluation.sweep import Sweep

# The view that a probe on a signature is put on: grids and maps are averaged over 3 × 3 areas first.
VIEWS = {"serving_default": "mean", "patch_grid": "grid3", "feature_map": "map3"}


class SignatureFigures:
    """Probes on single views, with the label subsets that an encoder was evaluated with.

    Args:
        images: The `LabelledImages` of the evaluation.
        features: The `FrozenFeatures` of the encoder.
        records: Those of the evaluation, of this encoder's checkpoint and what it
            was compared with.
        folder: Where finished cells are kept.
        progress: Object with `start(name, total)` and `advance(count)`.
    """

    def __init__(self, images, features, records, folder, progress):
        self.images = images
        self.features = features
        self.records = records
        self.folder = folder / f"{images.digest[:16]}-{features.digest[:16]}"
        self.progress = progress
        self._largest = None
        # From each budget to its number of subsets. 60 a class may be 1 %, which is one budget; those of label lists
        # are left out, for a record does not hold its list.
        self._subsets: dict[Budget, int] = {}
        names: dict[int, Budget] = {}
        for record in sorted(records, key=lambda one: one["labels"]):
            budget = _budget(record)
            if budget and (record["method"], record["encoder"]) == ("linear", "cpc"):
                self._largest = names.setdefault(record["labels"], budget)
                self._subsets[self._largest] = max(self._subsets.get(self._largest, 0), 1 + record["seed"])

    def table(self, selected):
        """Figures by signature and by the methods that they are compared with.

        Args:
            selected: The view of the signature `selected`.

        Returns:
            A dictionary with `name` (of the figure), `budgets`, and `signatures` and
            `methods`, each from a name to means over subsets in %, `None` where
            nothing was measured.
        """
        views = {**VIEWS, "selected": selected}
        rows = {signature: self._means(self._judge(view)) for signature, view in views.items()}
        methods = {}
        for method, encoder in dict.fromkeys((r["method"], r["encoder"]) for r in self.records):
            own = [r for r in self.records if (r["method"], r["encoder"]) == (method, encoder)]
            methods[row_name(method, encoder)] = self._means(own)
        columns = {r["labels"]: budget_name(r) for r in self.records}
        return {
            "name": self.images.figure_name,
            "budgets": [columns[labels] for labels in sorted(columns)],
            "signatures": {name: [row.get(labels) for labels in sorted(columns)] for name, row in rows.items()},
            "methods": {name: [row.get(labels) for labels in sorted(columns)] for name, row in methods.items()},
        }

    def classifier(self, checkpoint, cells):
        """A linear probe to take along, and what is known of it.

        It learns from the first subset of the largest budget, so that the figure of
        that subset is its own; where figures are cross-validated, from every label.

        Args:
            checkpoint: Step of the encoder.
            cells: The `Cells` of the evaluation, where the figure mostly is.

        Returns:
            `(probe, said)`: a fitted `LinearProbe`, and a dictionary with `labels`,
            `figure` and `accuracy` in %.

        Raises:
            InputError: If the encoder was evaluated with label lists alone.
        """
        crossed = self.images.test is None
        budget = Budget("fraction", 1.0) if crossed else self._largest
        if budget is None:
            raise InputError(
                "`--with-head` must be asked of a run whose linear probe was evaluated at a label budget. "
                "Received: one with --subset lists alone"
            )
        sweep = Sweep(self.images, [budget], 1, cells, self.progress)
        contestant = ProbeContestant("linear", "cpc", checkpoint, self.features)
        (record,) = sweep.run(contestant).values()
        (rounds,) = sweep.rounds.values()
        one = rounds[0]
        if crossed:
            everything = np.arange(len(self.images.train))
            one = Round(train=everything, test=one.test, unlabelled=one.unlabelled)
        contestant.begin([one], self.progress)
        probe, _ = contestant.fitted(self.images, one, record["seed"])
        accuracy = round(100 * record[self.images.figure], 1)
        return probe, {"labels": len(one.train), "figure": self.images.figure_name, "accuracy": accuracy}

    def _judge(self, view):
        """Records of a probe on one view."""
        contestant = ProbeContestant("linear", "cpc", None, self.features, view)
        cells, records = Cells(self.folder / view), []
        for budget, seeds in self._subsets.items():
            records += Sweep(self.images, [budget], seeds, cells, self.progress).run(contestant).values()
        return records

    def _means(self, records):
        """Dictionary from a number of labels to the mean over subsets, in %."""
        labels = {record["labels"] for record in records}
        figure = self.images.figure
        return {n: round(100 * float(np.mean([r[figure] for r in records if r["labels"] == n])), 1) for n in labels}


def _budget(record):
    """The `Budget` of a record; `None` for a list of the user's."""
    if record["labels_per_class"]:
        return Budget("per_class", record["labels_per_class"])
    return Budget("fraction", record["fraction"]) if record["fraction"] else None

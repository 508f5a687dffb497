"""How well a linear probe does on what each signature of an export gives."""

import dataclasses

import numpy as np

from cpc_keras.data.budgets import Budget, budget_of
from cpc_keras.data.label_subsets import ranks_within_classes
from cpc_keras.data.labelled_images import Split
from cpc_keras.errors import InputError
from cpc_keras.evaluation.estimators import ProbeEstimator
from cpc_keras.evaluation.methods import row_name
from cpc_keras.evaluation.results import EvaluationStore
from cpc_keras.evaluation.runner import Runner
from cpc_keras.evaluation.table import budget_name

# The pooling that a probe on a signature is put on: grids and maps are averaged over 3 × 3 areas first.
_POOLINGS = {"serving_default": "mean", "patch_grid": "grid3", "feature_map": "map3"}


class SignatureAccuracy:
    """Probes on single poolings, with the label subsets that an encoder was evaluated with.

    Args:
        images: The `LabelledImages` of the evaluation.
        encoder: The `Encoder`.
        features: Its `FrozenFeatures`.
        records: Those of the evaluation, of this encoder's checkpoint and what it
            was compared with.
        folder: Where finished results are kept.
        progress: Object with `start(name, total)` and `advance(count)`.
    """

    def __init__(self, images, encoder, features, records, folder, progress):
        self.images = images
        self.encoder = encoder
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
            budget = budget_of(record["labels_per_class"], record["fraction"])  # `None` of a list
            if budget and (record["method"], record["encoder"]) == ("linear", "cpc"):
                self._largest = names.setdefault(record["labels"], budget)
                self._subsets[self._largest] = max(self._subsets.get(self._largest, 0), 1 + record["seed"])

    def table(self, selected):
        """Figures by signature and by the methods that they are compared with.

        Args:
            selected: The pooling of the signature `selected`.

        Returns:
            A dictionary with `name` (of the figure), `budgets`, and `signatures` and
            `methods`, each from a name to means over subsets in %, `None` where
            nothing was measured.
        """
        poolings = {**_POOLINGS, "selected": selected}
        rows = {signature: self._means(self._records_of(pooling)) for signature, pooling in poolings.items()}
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

    def classifier(self, store):
        """A linear probe to take along, and what is known of it.

        It is trained on the first subset of the largest budget, so that the figure of
        that subset is its own; where figures are cross-validated, from every label.

        Args:
            store: The `EvaluationStore` of the evaluation, where the figure mostly is.

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
        runner = Runner(self.images, [budget], 1, store, self.progress)
        estimator = ProbeEstimator("linear", self.encoder, self.features, self.images)
        (record,) = runner.run(estimator).values()
        (splits,) = runner.splits.values()
        split = splits[0]
        if crossed:
            everything = np.arange(len(self.images.train))
            ranks = ranks_within_classes(self.images.train_labels, record["seed"])
            split = Split(everything, split.test, split.unlabelled, ranks)
        estimator.prepare([split], self.progress)
        probe = estimator.fit(split, record["seed"]).probe_
        accuracy = round(100 * record[self.images.figure], 1)
        return probe, {"labels": len(split.train), "figure": self.images.figure_name, "accuracy": accuracy}

    def _records_of(self, pooling):
        """Records of a probe on one pooling."""
        encoder = dataclasses.replace(self.encoder, checkpoint=None)
        estimator = ProbeEstimator("linear", encoder, self.features, self.images, pooling)
        store, records = EvaluationStore(self.folder / pooling, len(self.images.test_labels)), []
        for budget, seeds in self._subsets.items():
            records += Runner(self.images, [budget], seeds, store, self.progress).run(estimator).values()
        return records

    def _means(self, records):
        """Dictionary from a number of labels to the mean over subsets, in %."""
        labels = {record["labels"] for record in records}
        figure = self.images.figure
        return {n: round(100 * float(np.mean([r[figure] for r in records if r["labels"] == n])), 1) for n in labels}

"""How well a linear probe does on what each signature of an export gives, and a linear layer to take along."""

import dataclasses

import numpy as np

from cpc_keras.data.budgets import Budget, budget_of
from cpc_keras.errors import InputError
from cpc_keras.evaluation.estimators import ProbeEstimator
from cpc_keras.evaluation.methods import METHODS, row_name
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
        network: Function `(method, class_shares)` from the name of a network of
            `cpc_keras.evaluation.methods.EXPORTED`, and how frequent classes are taken to be,
            to its `NetworkEstimator` on the encoder.
    """

    def __init__(self, images, encoder, features, records, folder, progress, network=None):
        self.images = images
        self.encoder = encoder
        self.features = features
        self.records = records
        self.folder = folder / f"{images.digest[:16]}-{features.digest[:16]}"
        self.progress = progress
        self.network = network

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

    def classifier(self, store, method="linear"):
        """A classifier to take along, a probe as a linear layer or a network, and what is known of it.

        It is trained on the first subset of the largest budget, so that the figure of
        that subset is its own; where figures are cross-validated, from every label.

        Args:
            store: The `EvaluationStore` of the evaluation, where the figure mostly is.
            method: One of `cpc_keras.evaluation.methods.EXPORTED`.

        Returns:
            `(classifier, said)`: a fitted probe with `affine`, or a `keras.Model` from crops to
            probabilities, and a dictionary with `method`, `labels`, `unlabelled` (a number of
            images), `figure`, `accuracy` in %; of a probe also by which of its labels
            probabilities are to be calibrated: `held_out`, a number, `temperature`, and of two
            classes `threshold`, see `cpc_keras.evaluation.calibration.Calibration`; of a network
            `network`.

        Raises:
            InputError: If the encoder was not evaluated with this method, or with label
                lists alone.
        """
        crossed, evaluated = self.images.test is None, self._subsets(method)
        if not evaluated and not crossed:
            raise InputError(
                f"`--classifier` must be a method that the run was evaluated with at a label budget. Received: {method}"
            )
        budget = Budget("fraction", 1.0) if crossed else list(evaluated)[-1]
        runner = Runner(self.images, [budget], 1, store, self.progress, tell=False)
        ((split, *_),) = runner.splits.values()
        shares = self._class_shares(method, split)
        if METHODS[method].fits == "network":
            estimator = self.network(method, shares)
        else:
            estimator = ProbeEstimator(method, self.encoder, self.features, self.images, class_shares=shares)
        (record,) = runner.run(estimator).values()
        if crossed:
            split = self.images.split_of(np.arange(len(self.images.train)), record["seed"])
        estimator.prepare([split], self.progress)
        said = {
            "method": method,
            "labels": len(split.train),
            "unlabelled": len(split.pool) if METHODS[method].needs_pool else 0,
            "figure": self.images.figure_name,
            "accuracy": round(100 * record[self.images.figure], 1),
        }
        if METHODS[method].fits == "network":
            found = runner.search(estimator, split, record["seed"])
            return estimator.fit(split, record["seed"], found).classifier.model_, {**said, "network": True}
        probe, calibration = estimator.fit(split, record["seed"]).probe_, estimator.calibration_
        said |= {"held_out": calibration.held_out, "temperature": round(calibration.temperature, 4)}
        if calibration.threshold is not None:
            said["threshold"] = round(calibration.threshold, 6)
        return probe, said

    def _subsets(self, method):
        """From each budget at which a probe was evaluated, rising, to its number of subsets.

        60 a class may be 1 %, which is one budget. Those of label lists are left out, for
        a record does not hold its list.
        """
        names: dict[int, Budget] = {}
        subsets: dict[Budget, int] = {}
        for record in sorted(self._of(method), key=lambda one: one["labels"]):
            if budget := budget_of(record["labels_per_class"], record["fraction"]):  # `None` of a list
                budget = names.setdefault(record["labels"], budget)
                subsets[budget] = max(subsets.get(budget, 0), 1 + record["seed"])
        return subsets

    def _class_shares(self, method, split):
        """As it was evaluated last; `None` if that is what it takes of itself."""
        found = {record["selected"].get("shares") for record in self._of(method)}
        shares = found.pop() if len(found) == 1 else None
        return None if shares == split.class_shares else shares

    def _of(self, method):
        return [record for record in self.records if (record["method"], record["encoder"]) == (method, "cpc")]

    def _records_of(self, pooling):
        """Records of a probe on one pooling."""
        encoder = dataclasses.replace(self.encoder, checkpoint=None)
        estimator = ProbeEstimator("linear", encoder, self.features, self.images, pooling)
        store, records = EvaluationStore(self.folder / pooling, len(self.images.test_labels)), []
        for budget, seeds in self._subsets("linear").items():
            records += Runner(self.images, [budget], seeds, store, self.progress, tell=False).run(estimator).values()
        return records

    def _means(self, records):
        """Dictionary from a number of labels to the mean over subsets, in %."""
        labels = {record["labels"] for record in records}
        figure = self.images.figure
        return {n: round(100 * float(np.mean([r[figure] for r in records if r["labels"] == n])), 1) for n in labels}

"""Label subsets of images that are chosen, not drawn, to see what choosing is worth."""

import dataclasses

import numpy as np

from cpc_keras.data.labelled_images import POOL
from cpc_keras.evaluation.feature_store import open_store, usual_features
from cpc_keras.graph.choose import choose
from cpc_keras.graph.space import Space
from cpc_keras.storage import digests
from cpc_keras.storage.results import ResultStore

# Of how images are chosen: choices of another version are made anew.
VERSION = 1


def chosen_budgets(budgets, selection):
    """For each label budget one of as many chosen images; there is nothing to choose of a list, or of all.

    Args:
        budgets: List of `Budget`.
        selection: One of `cpc_keras.graph.choose.WAYS` that needs no labels.

    Example:

    >>> from cpc_keras.data.budgets import Budget
    >>> [one.name for one in chosen_budgets([Budget("per_class", 5), Budget("fraction", 1.0)], "typical")]
    ['per_class-5-typical']
    """
    few = [one for one in budgets if one.kind == "per_class" or (one.kind == "fraction" and one.amount < 1)]
    return [dataclasses.replace(budget, selection=selection) for budget in few]


class Chooser:
    """What `LabelledImages.choose` is to be: chooses among at most 20,000 images, by the features of an encoder.

    Choices are kept: the same one is made once.

    Args:
        encoder: A CPC `Encoder`.
        data: The `LabelledImages`.
        crop: Side of the crop in pixels.
        features: Where features are kept.
        folder: Where choices are kept.
        progress: As `cpc_keras.progress.NoProgress`.
    """

    def __init__(self, encoder, data, crop, features, folder, progress):
        self.data = data
        self.progress = progress
        self.digest = digests.of_json(VERSION, encoder.digest, crop, data.digest, data.seed)
        self._store = open_store(features, encoder.features, encoder.digest, data.train, crop)
        self._made = ResultStore(folder, check=_check)
        self._vectors: dict[str, np.ndarray] = {}

    def __call__(self, count, positions, by, seed):
        """Positions of the images that are chosen among some, rising.

        Args:
            count: Images to choose.
            positions: Integer array, in `LabelledImages.train`.
            by: One of `cpc_keras.graph.choose.WAYS`.
            seed: Whole number.
        """
        drawn = np.random.default_rng(self.data.seed).permutation(len(self.data.train))
        some = np.sort(drawn[np.isin(drawn, positions)][:POOL])
        among = digests.of_array(some)
        digest = digests.of_json(self.digest, among, by, count, seed)
        name = f"{by}-{count}-seed{seed}-{among[:8]}"
        kept = self._made.load(name, digest)
        if kept is not None:
            return kept[1]["positions"]
        if among not in self._vectors:
            features = usual_features(self._store, some, self.progress)
            self._vectors[among] = Space(seed=self.data.seed).fit(features).unit_vectors(features)
        self.progress.start(f"choosing {count:,} images", 1)
        chosen = np.sort(some[[one.position for one in choose(self._vectors[among], count, by, seed=seed)]])
        self.progress.advance()
        self._made.save(name, digest, {"by": by, "count": count, "seed": seed}, positions=chosen)
        return chosen


def _check(record, arrays):
    if arrays["positions"].dtype.kind not in "iu":
        raise ValueError("its positions are no whole numbers")

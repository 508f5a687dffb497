"""Labelled images: what a classifier is trained on, and what it is tested on."""

import dataclasses
import functools
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.model_selection import StratifiedKFold

from cpc_keras.data.budgets import Budget
from cpc_keras.data.image_set import ImageSet
from cpc_keras.data.label_subsets import ranks_within_classes, subsets_by_rank
from cpc_keras.errors import InputError
from cpc_keras.storage import digests
from cpc_keras.storage.names import written

FOLDS = 5
# Images without labels from which probes take the scale of each feature.
_UNLABELLED = 2000
# Images without labels that a classifier learns from at most. Of 60,000 of Fashion-MNIST it learnt no more.
POOL = 20_000
# From this ratio of the largest to the smallest class on, the user is told.
_UNEVEN = 1.5


@dataclasses.dataclass(frozen=True)
class Split:
    """Which images a classifier learns from and is tested on, as positions.

    Attributes:
        train: Labelled images to learn from, in `LabelledImages.train`, rising.
        test: Images to be tested on, in `LabelledImages.test_images`.
        unlabelled: Images whose labels are not looked at, in `LabelledImages.train`.
        pool: Images to learn from without labels, in `LabelledImages.pool_images`.
        at_random: Whether labels were drawn so that classes are as frequent among them
            as among the images of `pool`.
        ranks: The place of each of `train` in the order in which its class was drawn:
            those of low ranks are in every larger subset of the same seed.
    """

    train: np.ndarray
    test: np.ndarray
    unlabelled: np.ndarray
    ranks: np.ndarray
    pool: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, "int64"))
    at_random: bool = False

    @property
    def class_shares(self):
        """How frequent classes are taken to be in `pool`: as among the `"labels"`, or `"free"`, whatever comes out."""
        return "labels" if self.at_random else "free"

    def first_drawn(self, classes, most):
        """Positions, in `train`, of at most so many labels, those that were drawn first: all where there are no more.

        Args:
            classes: Number of classes, which count alike.
            most: The number.
        """
        if len(self.train) <= most:
            return np.arange(len(self.train))
        return np.flatnonzero(self.ranks < max(1, most // classes))


def is_uneven(counts):
    """Whether classes of so many images each are so uneven that the user is told."""
    return counts.max() > _UNEVEN * counts.min()


@dataclasses.dataclass
class LabelledImages:
    """Training images with labels, and a test split or none.

    Without a test split figures are cross-validated: each image is tested
    once, by a classifier that was trained on other images.

    Attributes:
        train: A labelled `ImageSet`.
        test: A labelled `ImageSet`, or `None` for cross-validation.
        seed: Seed of the unlabelled sample.
        notes: What the user should know about the data, in sentences.
        pool: An `ImageSet` of further images, without labels; `None` if there are no
            others than those of `train`.
        choose: Function `(count, positions, by, seed)` that chooses images to label among
            positions in `train`, for budgets that ask for it.
    """

    train: ImageSet
    test: ImageSet | None
    seed: int = 0
    notes: list[str] = dataclasses.field(default_factory=list)
    pool: ImageSet | None = None
    choose: Callable | None = None

    @property
    def test_images(self):
        """The images that figures are of: the test split, or in cross-validation all of them."""
        return self.train if self.test is None else self.test

    @property
    def pool_images(self):
        """The images that are learnt from without labels: `pool`, or those of `train`."""
        return self.train if self.pool is None else self.pool

    @property
    def train_labels(self):
        """Class of each training image, `[N]`."""
        return np.asarray(self.train.labels)

    @property
    def test_labels(self):
        """Class of each of `test_images`, `[M]`."""
        return np.asarray(self.test_images.labels)

    @property
    def class_names(self):
        """Names by class."""
        return self.train.class_names or ()

    @property
    def classes(self):
        """Number of classes."""
        return len(self.class_names)

    @property
    def unlabelled(self):
        """Positions of training images, drawn with the seed, whose labels are not looked at."""
        return np.sort(np.random.default_rng(self.seed).permutation(len(self.train))[:_UNLABELLED])

    @property
    def uneven(self):
        """Whether classes are so uneven that balanced accuracy is the figure to read."""
        parts = (self.train_labels, self.test_labels)
        return any(is_uneven(np.unique(labels, return_counts=True)[1]) for labels in parts)

    @property
    def figure(self):
        """The figure to read, `"top1"` or `"balanced_accuracy"`."""
        return "balanced_accuracy" if self.uneven else "top1"

    @property
    def figure_name(self):
        """What it is called, such as `"test accuracy"`."""
        kind = "cross-validated" if self.test is None else "test"
        return f"{kind} {'balanced accuracy' if self.uneven else 'accuracy'}"

    @property
    def split(self):
        """The split that labels are of, or over what figures are cross-validated."""
        return f"cross-validated, {self.folds} folds of {self.train.split}" if self.test is None else self.train.split

    @property
    def folds(self):
        """Folds of the cross-validation: `FOLDS`, or the size of the largest class if that is smaller."""
        return int(min(FOLDS, np.unique(self.train_labels, return_counts=True)[1].max()))

    @functools.cached_property
    def digest(self):
        """Names the images and their labels: equal for equal data only."""
        parts = [self.train] if self.test is None else [self.train, self.test]
        return digests.of_json(self.split, [(part.fingerprint, digests.of_lines(part.labels)) for part in parts])

    def subset_digest(self, positions):
        """Names a subset of the training images by their ids.

        Args:
            positions: Integer array, positions in `train`.
        """
        return digests.of_lines(self.train.ids[position] for position in positions)

    def splits(self, budgets, seed):
        """Stratified, nested label subsets of a seed.

        Args:
            budgets: List of `Budget`.
            seed: Whole number. In cross-validation it draws the folds too.

        Returns:
            A dictionary from `Budget` to a list of `Split`: one, or one a fold.

        Raises:
            InputError: If there are too few labels, or two budgets that are the
                same.
        """
        everything = np.arange(len(self.train))
        if self.test is not None:
            drawn = self._draw(budgets, seed, everything)
            tested = np.arange(len(self.test))
            return {
                budget: [self._split(budget, train, tested, self.unlabelled, ranks, everything)]
                for budget, (train, ranks) in drawn.items()
            }
        splitter = StratifiedKFold(self.folds, shuffle=True, random_state=seed)
        splits: dict[Budget, list[Split]] = {budget: [] for budget in budgets}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a class smaller than the folds; `notes` says so
            folds = list(splitter.split(everything, self.train.labels))
        for pool, held_out in folds:
            for budget, (train, ranks) in self._draw(budgets, seed, pool).items():
                splits[budget].append(self._split(budget, train, held_out, pool, ranks, pool))
        return splits

    def split_of(self, positions, seed):
        """A split of given labels that tests nothing.

        Args:
            positions: Integer array, positions in `train`, rising.
            seed: Whole number.
        """
        ranks = ranks_within_classes(self.train_labels[positions], seed)
        everything = np.arange(len(self.train))
        return self._split(None, positions, everything[:0], self.unlabelled, ranks, everything)

    def _split(self, budget, train, test, unlabelled, ranks, open_ones):
        """A `Split`; of the training images, `open_ones` may be learnt from without labels."""
        others = np.setdiff1d(open_ones, train) if self.pool is None else np.arange(len(self.pool))
        if len(others) > POOL:
            drawn = np.random.default_rng(self.seed).permutation(len(self.pool_images))
            others = np.sort(drawn[np.isin(drawn, others)][:POOL])
        # Of another set of images nobody knows how labels were drawn.
        at_random = budget is not None and budget.kind == "fraction" and not budget.selection
        return Split(train, test, unlabelled, ranks, others, at_random and self.pool is None)

    def affords(self, budget):
        """Whether every fold, or the training images, hold so many labels and more."""
        counts = np.unique(self.train_labels, return_counts=True)[1]
        if self.test is None:
            counts = counts - -(-counts // self.folds)  # a fold is held out
        if budget.kind == "per_class":
            return budget.amount <= counts.min() and budget.amount * len(counts) < counts.sum()
        return len(counts) <= round(budget.amount * counts.sum()) < counts.sum()

    def _draw(self, budgets, seed, pool):
        """From each budget to its images and their ranks."""
        labels = self.train_labels[pool]
        order = ranks_within_classes(labels, seed)
        drawn = subsets_by_rank(
            labels,
            order,
            labels_per_class=[b.labels_per_class for b in budgets if b.kind == "per_class"],
            fractions=[b.fraction for b in budgets if b.kind == "fraction"],
            class_names=self.train.class_names,
        )
        found = {}
        for budget in budgets:
            if budget.kind == "list":
                positions = self._listed(budget)
                found[budget] = positions, ranks_within_classes(self.train_labels[positions], seed)
            elif budget.selection:
                if self.choose is None:
                    raise ValueError(f"`choose` must be set for a budget of {budget.selection} images. Received: None")
                count = len(drawn[budget.kind, budget.amount])
                positions = np.sort(self.choose(count, pool, budget.selection, seed))
                found[budget] = positions, ranks_within_classes(self.train_labels[positions], seed)
            else:
                chosen = drawn[budget.kind, budget.amount]
                found[budget] = pool[chosen], order[chosen]
        counts = [(len(positions), budget.selection) for budget, (positions, _) in found.items()]
        if len(counts) < len(budgets) or len(set(counts)) < len(counts):
            numbers = [count for count, _ in counts]
            raise InputError(
                f"Label budgets must differ. Received: {', '.join(map(str, budgets))}, of {numbers} labels"
            )
        return found

    def _listed(self, budget):
        if self.test is None:
            raise InputError(f"`--subset` needs a test split. Received: {self.train.name} without")
        # As SimCLR's lists have it, a file's name is enough, or its path from any folder on; lists may have escapes.
        asked = {listed: written(listed) for listed in budget.ids}
        depths = {one.count("/") for one in asked.values()}
        whole: dict[str, list[int]] = {}
        ends: dict[str, list[int]] = {}
        for position, name in enumerate(map(written, self.train.ids)):
            whole.setdefault(name, []).append(position)
            parts = name.split("/")
            for depth in depths:
                if depth < len(parts):
                    ends.setdefault("/".join(parts[-1 - depth :]), []).append(position)
        place = {listed: whole.get(one) or ends.get(one, []) for listed, one in asked.items()}
        missing = [listed for listed, found in place.items() if len(found) != 1]
        if missing:
            raise InputError(
                f"`--subset` must name images of {self.train.name}, each once. Received: {budget.amount} with "
                f"{len(missing)} of {len(budget.ids)} lines unknown or ambiguous, the first {missing[0]!r}"
            )
        return np.unique([place[one][0] for one in budget.ids])

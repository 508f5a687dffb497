"""What a search found, as a file that `cpc-keras evaluate --settings` takes."""

import dataclasses
import pathlib

from cpc_keras.config.fields import check_kinds, check_ranges
from cpc_keras.config.files import load_recipe
from cpc_keras.data.budgets import Budget
from cpc_keras.errors import InputError
from cpc_keras.evaluation.label_table import SETTINGS
from cpc_keras.evaluation.line_up import REGIMES
from cpc_keras.evaluation.networks import SPACE
from cpc_keras.evaluation.restartable import OPTIMIZERS

# What marks a found setting, and the one that it is compared with.
KINDS = tuple(SETTINGS)


@dataclasses.dataclass(frozen=True)
class TunedSetting:
    """A classifier's setting with the labels inside which it was chosen.

    Attributes:
        regime: `"linear"`, `"resnet"`, `"finetune"` or `"supervised"`.
        kind: `"tuned"`, or `"default"` for the setting that it is compared with.
        labels_per_class: The label budget, or `None`.
        fraction: The label budget as a share, or `None`.
        subset_seed: Number of the label subset.
        subset: SHA-256 of its images.
        trials: Settings that were tried.
        optimizer: Name of the optimizer.
        learning_rate: Its peak.
        weight_decay: Decoupled weight decay.
        dropout: Share of features that is dropped in training.
        passes: Factor on the usual number of steps.
        shift: Of images in training, as a share of the side.
        view: Pooled features of `"linear"`.
        head: What stands on the map, see `cpc_keras.models.ClassifierHead`.
        head_blocks: Its residual blocks; the recipe's if `None`.
        head_width: Its channels; likewise.
        head_bottleneck: Its channels inside a block; likewise.
        frozen_stacks: Stacks of the encoder that stay as they are.
    """

    regime: str
    kind: str
    subset: str
    trials: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    dropout: float
    passes: float
    shift: float
    labels_per_class: int | None = None
    fraction: float | None = None
    subset_seed: int = 0
    view: str | None = None
    head: str | None = None
    head_blocks: int | None = None
    head_width: int | None = None
    head_bottleneck: int | None = None
    frozen_stacks: int = 0

    def __post_init__(self):
        check_kinds(self)
        check_ranges(self, _CHOICES, _POSITIVE, _SHARES, _NOT_NEGATIVE)
        if (self.labels_per_class is None) == (self.fraction is None):
            raise InputError(
                "`labels_per_class` or `fraction` must be set, and not both. Received: "
                f"labels_per_class={self.labels_per_class}, fraction={self.fraction}"
            )
        needed = "view" if self.regime == "linear" else "head"
        if getattr(self, needed) is None:
            raise InputError(f"`{needed}` must be set where regime={self.regime!r}. Received: None")

    @property
    def budget(self):
        """The labels' number as a `Budget`."""
        numbers = {"per_class": self.labels_per_class, "fraction": self.fraction}
        return next(Budget(kind, amount) for kind, amount in numbers.items() if amount is not None)

    @property
    def setting(self):
        """As `cpc_keras.evaluation.networks.NetworkClassifier` takes it."""
        fields = dataclasses.asdict(self)
        return {name: fields[name] for name in _OF_SETTING if fields[name] is not None}


_OF_SETTING = (
    *("optimizer", "learning_rate", "weight_decay", "dropout", "passes", "shift"),
    *("view", "head", "head_blocks", "head_width", "head_bottleneck", "frozen_stacks"),
)
_CHOICES = {
    "regime": REGIMES,
    "kind": KINDS,
    "optimizer": tuple(OPTIMIZERS),
    "head": (None, *SPACE["head"]),
}
_POSITIVE = (
    *("trials", "learning_rate", "passes", "labels_per_class", "fraction"),
    *("head_blocks", "head_width", "head_bottleneck"),
)
_SHARES = ("dropout", "shift")
_NOT_NEGATIVE = ("weight_decay", "subset_seed", "frozen_stacks")


def load_settings(paths):
    """Reads what `cpc-keras tune` found.

    Args:
        paths: Files, or folders that are looked through for them.

    Returns:
        List of `TunedSetting`.

    Raises:
        InputError: If there is none, or two are of one regime and the same labels.
    """
    files = []
    for path in map(pathlib.Path, paths):
        found = [path] if path.is_file() else sorted(file for kind in KINDS for file in path.rglob(f"{kind}.py"))
        if not found:
            raise InputError(f"`--settings` must be a file or folder that `tune` wrote. Received: {path}")
        files += found
    known: dict[tuple, tuple] = {}
    for file in dict.fromkeys(files):
        one = load_recipe(str(file), kind=TunedSetting)
        other, before = known.setdefault((one.regime, one.kind, one.subset), (file, one))
        if one.setting != before.setting:
            raise InputError(
                f"`--settings` must hold one search a regime and label subset. Received: {other} and {file}"
            )
    return [one for _, one in known.values()]

"""Tuned settings: what a search found, as a file that `cpc-keras evaluate --settings` takes."""

import dataclasses
import pathlib
from typing import ClassVar

from cpc_keras.config.fields import NOT_NEGATIVE, POSITIVE, REQUIRED, SHARE, check_fields, documented, setting
from cpc_keras.config.files import load_recipe
from cpc_keras.data.budgets import budget_of
from cpc_keras.errors import InputError, first_line
from cpc_keras.evaluation.classifier import SPACE
from cpc_keras.evaluation.methods import KINDS, SEARCHED
from cpc_keras.evaluation.regimes import STRENGTHS
from cpc_keras.evaluation.reusable_network import OPTIMIZERS


@documented
@dataclasses.dataclass(frozen=True)
class TunedSetting:
    """A classifier's setting with the labels inside which it was chosen."""

    FORMER_NAMES: ClassVar = {"passes": "step_multiplier", "shift": "translation", "view": "pooling"}

    regime: str = setting(REQUIRED, f"One of {', '.join(SEARCHED)}.", choices=SEARCHED)
    kind: str = setting(
        REQUIRED, '`"tuned"`, or `"default"` for the setting that it is compared with.', choices=tuple(KINDS)
    )
    subset: str = setting(REQUIRED, "SHA-256 of its images.")
    trials: int = setting(REQUIRED, "Settings that were tried.", bounds=POSITIVE)
    optimizer: str | None = setting(
        None, "Name of the optimizer, of what is trained step by step.", choices=(None, *OPTIMIZERS)
    )
    learning_rate: float | None = setting(None, "Its peak.", bounds=POSITIVE)
    weight_decay: float | None = setting(None, "Decoupled weight decay.", bounds=NOT_NEGATIVE)
    dropout: float | None = setting(None, "Share of features that is dropped in training.", bounds=SHARE)
    step_multiplier: float | None = setting(None, "Factor on the usual number of steps.", bounds=POSITIVE)
    translation: float | None = setting(None, "Of images in training, as a share of the side.", bounds=SHARE)
    labels_per_class: int | None = setting(None, "The label budget, or `None`.", bounds=POSITIVE)
    fraction: float | None = setting(None, "The label budget as a share, or `None`.", bounds=POSITIVE)
    subset_seed: int = setting(0, "Number of the label subset.", bounds=NOT_NEGATIVE)
    pooling: str | None = setting(None, 'Of the features of `"linear"` and `"propagated"`.')
    head: str | None = setting(
        None, "What stands on the map, see `cpc_keras.models.ClassifierHead`.", choices=(None, *SPACE["head"])
    )
    head_blocks: int | None = setting(None, "Its residual blocks; the recipe's if `None`.", bounds=POSITIVE)
    head_width: int | None = setting(None, "Its channels; the recipe's if `None`.", bounds=POSITIVE)
    head_bottleneck: int | None = setting(None, "Its channels inside a block; the recipe's if `None`.", bounds=POSITIVE)
    frozen_stacks: int = setting(0, "Stacks of the encoder that stay as they are.", bounds=NOT_NEGATIVE)
    unlabelled_weight: float | None = setting(
        None, "Factor on all terms of the loss that need no label.", bounds=POSITIVE
    )
    epsilon: float | None = setting(None, "Factor on the usual length of VAT's step.", bounds=POSITIVE)
    C: float | None = setting(
        None, 'Of the linear probe of `"propagated"`, the inverse strength of regularisation.', bounds=POSITIVE
    )
    neighbors: int | None = setting(None, "Neighbours of each image on its graph.", bounds=POSITIVE)
    alpha: float | None = setting(None, "Share of the neighbours.", bounds=SHARE)
    steps: int | None = setting(None, "Steps of the propagation.", bounds=POSITIVE)
    strength: float | None = setting(None, "How much more the nearest neighbours count.", bounds=NOT_NEGATIVE)
    layer_C: float | None = setting(  # noqa: N815  (scikit-learn's name)
        None, "Of the layer that learns from what was propagated.", bounds=POSITIVE
    )

    def __post_init__(self):
        check_fields(self)
        if (self.labels_per_class is None) == (self.fraction is None):
            raise InputError(
                "`labels_per_class` or `fraction` must be set, and not both. Received: "
                f"labels_per_class={self.labels_per_class}, fraction={self.fraction}"
            )
        needed = _PROPAGATED if self.regime == "propagated" else (*_TRAINED, _STANDS_ON.get(self.regime, "head"))
        for name in needed:
            if getattr(self, name) is None:
                raise InputError(f"`{name}` must be set where regime={self.regime!r}. Received: None")

    @property
    def budget(self):
        """The labels' number as a `Budget`."""
        return budget_of(self.labels_per_class, self.fraction)

    @property
    def setting(self):
        """As `NetworkClassifier` or `fixed_arguments` of `cpc_keras.evaluation` takes it."""
        fields = dataclasses.asdict(self)
        names = _PROPAGATED if self.regime == "propagated" else _OF_NETWORKS
        return {name: fields[name] for name in names if fields[name] is not None}


_TRAINED = ("optimizer", "learning_rate", "weight_decay", "dropout", "step_multiplier", "translation")
_STANDS_ON = {"linear": "pooling"}
_OF_NETWORKS = (
    *(*_TRAINED, "pooling", "head", "head_blocks", "head_width", "head_bottleneck", "frozen_stacks"),
    *STRENGTHS,
)
_PROPAGATED = ("pooling", "C", "neighbors", "alpha", "steps", "strength", "layer_C")


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
        one = _read(file)
        other, before = known.setdefault((one.regime, one.kind, one.subset), (file, one))
        if one.setting != before.setting:
            raise InputError(
                f"`--settings` must hold one search a regime and label subset. Received: {other} and {file}"
            )
    return [one for _, one in known.values()]


def _read(file):
    try:
        return load_recipe(str(file), kind=TunedSetting, written_by_hand=False)
    except (OSError, ValueError) as error:
        raise InputError(
            "`--settings` must be as `cpc-keras tune` wrote them, which the same search, run again, does at once. "
            f"Received: {file} ({first_line(error)})"
        ) from error

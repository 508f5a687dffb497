"""A recipe: every setting of a run, flat, with its checks."""

import dataclasses
from typing import ClassVar

from cpc_keras.config.fields import (
    AT_ONCE,
    AUTO,
    BELOW_ONE,
    CHANNELS,
    LAYERS,
    NOT_NEGATIVE,
    PIXELS,
    POSITIVE,
    SHARE,
    SOME_SHARE,
    TIMES,
    check_fields,
    check_learning_curve,
    documented,
    setting,
)
from cpc_keras.config.jitter import JITTER
from cpc_keras.config.patch_fields import PatchFields
from cpc_keras.errors import InputError

ENCODERS = ("resnet", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet161", "resnet170")
# The axes of the ablation, in the order in which the paper's Figure 3 adds them.
AXES = ("MC", "BU", "LN", "RC", "HP", "LP", "PA")


@documented
@dataclasses.dataclass(frozen=True)
class Recipe(PatchFields):
    """The fields a recipe may set, with their defaults.

    `"auto"` where it is allowed is replaced by `cpc_keras.config.resolve.resolve`
    once the images are known, and so are the switches in `without`. What
    begins with `patch_`, but for `patch_size`, is the argument of
    `cpc_keras.layers.PatchAugmentation` of that name.
    """

    FORMER_NAMES: ClassVar = {
        "patch_colour_distortion": "patch_color_distortion",
        "patch_greyscale": "patch_grayscale",
        "patch_colour_dropping": "patch_color_dropping",
    }

    data: str = setting("tfds:fashion_mnist", "Source of the images, see `cpc_keras.data.open_source`.")
    tile: int | None = setting(
        None,
        "Side in pixels of the tiles into which larger images are cut, before anything else; `None` "
        "leaves them whole. For a few huge images, such as aerial ones: a step takes one crop of each "
        "image at most.",
        bounds=PIXELS,
    )
    channels: int | str = setting(AUTO, '1, 3, or `"auto"` (1 if every image is grey).', choices=(AUTO, 1, 3))
    short_side: int | str | None = setting(
        None, 'Pixels to which the shorter side is resized, `None` (as it is) or `"auto"`.', bounds=PIXELS
    )
    crop: int | str = setting(AUTO, 'Side of the square crop in pixels, or `"auto"`.', bounds=PIXELS)
    flip: bool = setting(
        False,
        "Whether images are mirrored at random; classifiers learn from mirrored ones if this is so, or `patch_flip`.",
    )
    patch_size: int | str = setting(AUTO, 'Side of a patch in pixels, or `"auto"`.', bounds=PIXELS)
    stride: int | str = setting(AUTO, 'Pixels from patch to patch, or `"auto"`.', bounds=PIXELS)
    jitter: str | None = setting(
        None,
        "How much brightness, contrast and colors of each patch change at random, which is what the encoder learns to "
        'ignore: `"none"`, `"weak"` or `"strong"` set the fields `patch_color_distortion`, `patch_brightness`, '
        "`patch_saturation`, `patch_hue`, `patch_contrast` and `patch_color_dropping`, whatever they are. "
        '`"auto"` takes what is best of the three in a short trial on `labelled` or `online_probe`, and is weak '
        "without labels. `None` leaves those fields as they are.",
        choices=(None, AUTO, *JITTER),
    )
    labelled: str | None = setting(
        None,
        'Source of a few labelled images by which `jitter="auto"` is chosen; `online_probe` if `None`.',
    )
    encoder: str = setting(
        "resnet",
        '`"resnet"` (with `widths` and `blocks`), or one of the family, `"resnet18"` to `"resnet170"`.',
        choices=ENCODERS,
    )
    stacks: int = setting(3, "Stacks of a member of the family, 3 or 4.", choices=(3, 4))
    widths: tuple = setting((64, 128), 'Channels of each stack of `"resnet"`.', of=int, bounds=CHANNELS)
    blocks: tuple = setting((2, 2), 'Residual blocks of each stack of `"resnet"`.', of=int, bounds=LAYERS)
    stem: str = setting(
        AUTO,
        '`"small"`, `"medium"`, `"large"`, or `"auto"` (by patch size).',
        choices=(AUTO, "small", "medium", "large"),
    )
    normalization: str = setting("layer", '`"layer"`, `"batch"` or `"none"`.', choices=("layer", "batch", "none"))
    offsets: tuple = setting((2, 3), "Patches ahead to predict, counted from 1.", of=int)
    directions: tuple = setting(
        ("down", "up", "right", "left"), 'Any of `"down"`, `"up"`, `"right"`, `"left"`.', of=str
    )
    target_dim: int = setting(64, "Dimension in which predictions meet targets.", bounds=CHANNELS)
    scale: float = setting(0.1, "Factor on predictions.", bounds=POSITIVE)
    context_blocks: int = setting(5, "Residual blocks of a context network.", bounds=LAYERS)
    context_width: int = setting(256, "Channels inside a block.", bounds=CHANNELS)
    precision: str = setting(
        AUTO,
        '`"float32"`, `"mixed_bfloat16"` or `"auto"` (the latter where the processor computes in it).',
        choices=(AUTO, "float32", "mixed_bfloat16"),
    )
    batch_size: int | str = setting(AUTO, 'Images a step, or `"auto"`.', bounds=AT_ONCE)
    accumulate: int = setting(
        1,
        "Batches whose gradients are averaged into one update. Saves memory for smooth gradients; "
        "adds no negatives, which come from one batch each.",
        bounds=POSITIVE,
    )
    steps: int | None = setting(
        None, "Batches of the whole run (optimizer steps, if `accumulate` is 1).", bounds=POSITIVE
    )
    epochs: int | None = setting(None, "Passes over the images instead of `steps`.", bounds=POSITIVE)
    minutes: float | str | None = setting(
        None,
        "Time that pre-training may take on the machine at hand, from the opening of the images on. "
        "Its speed is measured, and the run has as many steps as fit: at most `steps` or `epochs`, if "
        'they are set as well. A run keeps the number, wherever it goes on. `"auto"`, beside `steps` or '
        "`epochs`, is 15 on a processor and `None` on an accelerator or with several workers.",
        bounds=POSITIVE,
    )
    learning_rate: float = setting(1e-3, "Peak of the schedule (Adam).", bounds=POSITIVE)
    beta_1: float = setting(0.9, "Adam's decay of the first moment.", bounds=BELOW_ONE)
    beta_2: float = setting(0.999, "Adam's decay of the second moment.", bounds=BELOW_ONE)
    epsilon: float = setting(1e-7, "Adam's epsilon.", bounds=POSITIVE)
    schedule: str = setting(
        "cosine",
        'After warm-up `"cosine"` (to zero), `"step"` (by `decay_factor` at each of `decay_at`) or `"constant"`.',
        choices=("cosine", "step", "constant"),
    )
    decay_at: tuple = setting((0.6, 0.85), 'Shares of the steps at which `"step"` lowers the rate.')
    decay_factor: float = setting(0.1, "What it is multiplied by.", bounds=POSITIVE)
    warmup_steps: int = setting(100, "Steps of linear warm-up, at most a tenth of all steps.", bounds=NOT_NEGATIVE)
    weight_decay: float = setting(0.0, "Decoupled weight decay; biases and norms are spared.", bounds=NOT_NEGATIVE)
    clip_norm: float | None = setting(None, "Largest global norm of the gradient, or `None`.", bounds=POSITIVE)
    average_decay: float | None = setting(
        None,
        "Decay of the Polyak average, which is what is evaluated and exported; `None` keeps none.",
        bounds=BELOW_ONE,
    )
    without: tuple = setting(
        (),
        'Axes of the paper\'s ablation that are switched off, out of `"MC"` (model capacity), `"BU"` '
        '(bottom-up prediction), `"LN"` (layer norm), `"RC"` (colour dropping), `"HP"` (horizontal '
        'prediction), `"LP"` (larger patches), `"PA"` (further patch augmentation).',
    )
    ablation: dict = setting(
        {},
        "What an axis sets when it is switched off, where that is not what "
        '`cpc_keras.config.ablation_axes` would do: `{"LP": {"patch_size": 64, …}, …}`.',
    )
    checkpoint_every: int = setting(500, "Steps between checkpoints.", bounds=POSITIVE)
    keep_checkpoints: int = setting(3, "How many of the last ones are kept.", bounds=POSITIVE)
    keep_milestones: bool = setting(
        False, "Whether the first, second, fourth, eighth … are kept as well, for learning dynamics."
    )
    online_probe: str | None = setting(
        None,
        "Source of a few labelled images whose accuracy under a probe is logged at each checkpoint; "
        "the evaluation does not learn from them.",
    )
    head_blocks: int = setting(2, "Residual blocks of the ResNet head; 11 in the paper.", bounds=LAYERS)
    head_width: int = setting(256, "Its channels; 4096 in the paper.", bounds=CHANNELS)
    head_bottleneck: int = setting(64, "Its channels inside a block; 1024 in the paper.", bounds=CHANNELS)
    max_bad_share: float = setting(0.1, "Share of unreadable files that is put up with.", bounds=SHARE)
    labels_per_class: tuple = setting((5, 10), "Label budgets of the evaluation.", of=int, bounds=POSITIVE)
    fractions: tuple = setting((), "Label budgets as shares of all labels.", of=float, bounds=SOME_SHARE)
    label_seeds: int = setting(3, "Number of subsets drawn at each budget.", bounds=TIMES)
    learning_curve: tuple = setting(
        (),
        "What the recipe's author measured: rows `(steps, accuracy for each of labels_per_class)` of "
        "runs of so many steps, rising, accuracies in `[0, 1]`. A report on a run that `minutes` cut "
        "short tells by it what a longer one would bring. Changes nothing.",
    )
    tracker: str | None = setting(
        None,
        'Experiment tracker, `"mlflow"` or `"wandb"`, that is told of parameters, metrics and results beside the '
        "run's folder, where its own environment variables say. Changes nothing.",
        choices=(None, "mlflow", "wandb"),
    )
    seed: int = setting(0, "Seed of everything random.", bounds=NOT_NEGATIVE)

    def __post_init__(self):
        check_fields(self)
        if self.steps is None and self.epochs is None and self.minutes in (None, AUTO):
            raise InputError(f"`steps`, `epochs` or `minutes` must be set. Received: minutes={self.minutes!r} alone")
        if self.steps is not None and self.epochs is not None:
            raise InputError(
                f"`steps` or `epochs` must be set, and not both. Received: steps={self.steps}, epochs={self.epochs}"
            )
        if len(self.widths) != len(self.blocks) or not self.widths:
            raise InputError(
                "`widths` and `blocks` must name the same number of stacks, at least one. "
                f"Received: widths={self.widths}, blocks={self.blocks}"
            )
        if self.steps is not None and self.steps % self.accumulate:
            raise InputError(
                "`steps` must be a multiple of `accumulate`, or the last batches would be lost. "
                f"Received: steps={self.steps}, accumulate={self.accumulate}"
            )
        if not self.decay_at or not all(isinstance(share, float) and 0 < share < 1 for share in self.decay_at):
            raise InputError(f"`decay_at` must be shares of the steps in (0, 1). Received: decay_at={self.decay_at}")
        check_learning_curve(self)
        self._check_axes()

    @property
    def mirrored_alike(self):
        """Whether a mirrored image, or patch, counts as one of the same kind; of letters it does not."""
        return self.flip or self.patch_flip > 0

    @property
    def patch_augmentation(self):
        """Arguments of `cpc_keras.layers.PatchAugmentation`."""
        return {argument: getattr(self, name) for argument, name in PATCH_FIELDS.items()}

    def _check_axes(self):
        for name in ("without", "ablation"):
            unknown = [axis for axis in getattr(self, name) if axis not in AXES]
            if unknown:
                raise InputError(f"`{name}` must name axes out of {AXES}. Received: {name}={getattr(self, name)}")
        for axis, fields in self.ablation.items():
            known = isinstance(fields, dict) and set(fields) <= set(FIELDS) - {"without", "ablation", "jitter"}
            if not known or AUTO in fields.values():
                raise InputError(
                    f"`ablation` must map an axis to fields of a recipe, none of them {AUTO!r}. "
                    f"Received: ablation[{axis!r}]={fields!r}"
                )


def check_axes(axes):
    """Raises `InputError` unless these are axes of the ablation, each once."""
    if not axes or not set(axes) <= set(AXES) or len(set(axes)) < len(axes):
        raise InputError(f"`--axes` must be distinct names out of {','.join(AXES)}. Received: {','.join(axes)}")


FIELDS = tuple(field.name for field in dataclasses.fields(Recipe))
# The recipe's fields that are arguments of `PatchAugmentation`, by argument.
PATCH_FIELDS = {
    name.removeprefix("patch_"): name for name in FIELDS if name.startswith("patch_") and name != "patch_size"
}

# Of these, the probabilities and counts that switch an augmentation on.
PATCH_SWITCHES = (
    *("patch_flip", "patch_primitives", "patch_elastic", "patch_shear", "patch_histogram"),
    *("patch_color_distortion", "patch_grayscale", "patch_color_dropping"),
)

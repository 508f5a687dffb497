"""A recipe: every setting of a run, flat, with its checks."""

import dataclasses

from cpc_keras.config.fields import AUTO, check_kinds, check_learning_curve, check_ranges
from cpc_keras.errors import InputError

ENCODERS = ("resnet", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet161", "resnet170")
# The axes of the ablation, in the order in which the paper's Figure 3 adds them.
AXES = ("MC", "BU", "LN", "RC", "HP", "LP", "PA")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The fields a recipe may set, with their defaults.

    `"auto"` where it is allowed is replaced by `cpc_keras.config.resolve.resolve`
    once the images are known, and so are the switches in `without`. What
    begins with `patch_`, but for `patch_size`, is the argument of
    `cpc_keras.layers.PatchAugmentation` of that name.

    Attributes:
        data: Source of the images, see `cpc_keras.data.open_source`.
        tile: Side in pixels of the tiles into which larger images are cut, before
            anything else; `None` leaves them whole. For a few huge images, such as
            aerial ones: a step takes one crop of each image at most.
        channels: 1, 3, or `"auto"` (1 if every image is grey).
        short_side: Pixels to which the shorter side is resized, `None` (as it
            is) or `"auto"`.
        crop: Side of the square crop in pixels, or `"auto"`.
        flip: Whether images are mirrored at random.
        patch_size: Side of a patch in pixels, or `"auto"`.
        stride: Pixels from patch to patch, or `"auto"`.
        encoder: `"resnet"` (with `widths` and `blocks`), or one of the family,
            `"resnet18"` to `"resnet170"`.
        stacks: Stacks of a member of the family, 3 or 4.
        widths: Channels of each stack of `"resnet"`.
        blocks: Residual blocks of each stack of `"resnet"`.
        stem: `"small"`, `"medium"`, `"large"`, or `"auto"` (by patch size).
        normalization: `"layer"`, `"batch"` or `"none"`.
        offsets: Patches ahead to predict, counted from 1.
        directions: Any of `"down"`, `"up"`, `"right"`, `"left"`.
        target_dim: Dimension in which predictions meet targets.
        scale: Factor on predictions.
        context_blocks: Residual blocks of a context network.
        context_width: Channels inside a block.
        patch_sub_crop: Side in pixels of a random part of each patch that is
            kept, zeros around it; `None` keeps all.
        patch_flip: Probability that a patch is mirrored.
        patch_primitives: Random AutoAugment primitives in a row.
        patch_primitive_ranges: Range of strength by primitive, as in
            `{"rotate": (-30, 30), "invert": ()}`; `None` is the published table.
        patch_elastic: Probability of an elastic deformation.
        patch_elastic_strength: Its size.
        patch_elastic_smoothness: Its smoothness.
        patch_shear: Probability of a shear.
        patch_shear_strength: Largest shear.
        patch_histogram: Probability of a change of the colour histogram.
        patch_histogram_strength: Its size.
        patch_colour_distortion: Probability of a change of brightness,
            saturation, hue and contrast.
        patch_brightness: Largest change of a patch's brightness.
        patch_saturation: Largest relative change of its saturation.
        patch_hue: Largest change of its hue, in turns.
        patch_contrast: Largest relative change of its contrast.
        patch_greyscale: Probability that a patch becomes grey.
        patch_colour_dropping: Probability that a patch keeps one channel only.
        patch_fill: What geometric primitives put outside the patch.
        patch_clip: Whether augmented patches are clipped to `[0, 1]`.
        precision: `"float32"`, `"mixed_bfloat16"` or `"auto"` (the latter where
            the processor computes in it).
        batch_size: Images a step, or `"auto"`.
        accumulate: Batches whose gradients are averaged into one update. Saves
            memory for smooth gradients; adds no negatives, which come from one
            batch each.
        steps: Batches of the whole run (optimizer steps, if `accumulate` is 1).
        epochs: Passes over the images instead of `steps`.
        minutes: Time that pre-training may take on the machine at hand, from the
            opening of the images on. Its speed is measured, and the run has as many
            steps as fit: at most `steps` or `epochs`, if they are set as well. A run
            keeps the number, wherever it goes on.
        learning_rate: Peak of the schedule (Adam).
        beta_1: Adam's decay of the first moment.
        beta_2: Adam's decay of the second moment.
        epsilon: Adam's epsilon.
        schedule: After warm-up `"cosine"` (to zero), `"step"` (by
            `decay_factor` at each of `decay_at`) or `"constant"`.
        decay_at: Shares of the steps at which `"step"` lowers the rate.
        decay_factor: What it is multiplied by.
        warmup_steps: Steps of linear warm-up, at most a tenth of all steps.
        weight_decay: Decoupled weight decay; biases and norms are spared.
        clip_norm: Largest global norm of the gradient, or `None`.
        average_decay: Decay of the Polyak average, which is what is evaluated
            and exported; `None` keeps none.
        without: Axes of the paper's ablation that are switched off, out of
            `"MC"` (model capacity), `"BU"` (bottom-up prediction), `"LN"` (layer
            norm), `"RC"` (colour dropping), `"HP"` (horizontal prediction), `"LP"`
            (larger patches), `"PA"` (further patch augmentation).
        ablation: What an axis sets when it is switched off, where that is not
            what `cpc_keras.config.ablation_axes` would do: `{"LP": {"patch_size": 64, …}, …}`.
        checkpoint_every: Steps between checkpoints.
        keep_checkpoints: How many of the last ones are kept.
        keep_milestones: Whether the first, second, fourth, eighth … are kept as
            well, for learning dynamics.
        online_probe: Source of a few labelled images whose accuracy under a
            probe is logged at each checkpoint; the evaluation does not learn
            from them.
        head_blocks: Residual blocks of the ResNet head; 11 in the paper.
        head_width: Its channels; 4096 in the paper.
        head_bottleneck: Its channels inside a block; 1024 in the paper.
        max_bad_share: Share of unreadable files that is put up with.
        labels_per_class: Label budgets of the evaluation.
        fractions: Label budgets as shares of all labels.
        label_seeds: Number of subsets drawn at each budget.
        learning_curve: What the recipe's author measured: rows `(steps, accuracy
            for each of labels_per_class)` of runs of so many steps, rising, accuracies
            in `[0, 1]`. A report on a run that `minutes` cut short tells by it what a
            longer one would bring. Changes nothing.
        seed: Seed of everything random.
    """

    data: str = "tfds:fashion_mnist"
    tile: int | None = None
    channels: int | str = AUTO
    short_side: int | str | None = None
    crop: int | str = AUTO
    flip: bool = False
    patch_size: int | str = AUTO
    stride: int | str = AUTO
    encoder: str = "resnet"
    stacks: int = 3
    widths: tuple = (64, 128)
    blocks: tuple = (2, 2)
    stem: str = AUTO
    normalization: str = "layer"
    offsets: tuple = (2, 3)
    directions: tuple = ("down", "up", "right", "left")
    target_dim: int = 64
    scale: float = 0.1
    context_blocks: int = 5
    context_width: int = 256
    patch_sub_crop: int | None = None
    patch_flip: float = 0.0
    patch_primitives: int = 0
    patch_primitive_ranges: dict | None = None
    patch_elastic: float = 0.0
    patch_elastic_strength: float = 0.05
    patch_elastic_smoothness: float = 0.25
    patch_shear: float = 0.0
    patch_shear_strength: float = 0.3
    patch_histogram: float = 0.0
    patch_histogram_strength: float = 0.5
    patch_colour_distortion: float = 0.0
    patch_brightness: float = 32 / 255
    patch_saturation: float = 0.5
    patch_hue: float = 0.2
    patch_contrast: float = 0.5
    patch_greyscale: float = 0.0
    patch_colour_dropping: float = 0.0
    patch_fill: float = 0.5
    patch_clip: bool = True
    precision: str = AUTO
    batch_size: int | str = AUTO
    accumulate: int = 1
    steps: int | None = None
    epochs: int | None = None
    minutes: float | None = None
    learning_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    schedule: str = "cosine"
    decay_at: tuple = (0.6, 0.85)
    decay_factor: float = 0.1
    warmup_steps: int = 100
    weight_decay: float = 0.0
    clip_norm: float | None = None
    average_decay: float | None = None
    without: tuple = ()
    ablation: dict = dataclasses.field(default_factory=dict)
    checkpoint_every: int = 500
    keep_checkpoints: int = 3
    keep_milestones: bool = False
    online_probe: str | None = None
    head_blocks: int = 2
    head_width: int = 256
    head_bottleneck: int = 64
    max_bad_share: float = 0.1
    labels_per_class: tuple = (5, 10)
    fractions: tuple = ()
    label_seeds: int = 3
    learning_curve: tuple = ()
    seed: int = 0

    def __post_init__(self):
        check_kinds(self)
        if self.steps is None and self.epochs is None and self.minutes is None:
            raise InputError("`steps`, `epochs` or `minutes` must be set. Received: none of them")
        if self.steps is not None and self.epochs is not None:
            raise InputError(
                f"`steps` or `epochs` must be set, and not both. Received: steps={self.steps}, epochs={self.epochs}"
            )
        check_ranges(self, _CHOICES, _POSITIVE, _SHARES, _NOT_NEGATIVE, _BELOW_ONE)
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
    def patch_augmentation(self):
        """Arguments of `cpc_keras.layers.PatchAugmentation`."""
        return {argument: getattr(self, name) for argument, name in PATCH_FIELDS.items()}

    def _check_axes(self):
        for name in ("without", "ablation"):
            unknown = [axis for axis in getattr(self, name) if axis not in AXES]
            if unknown:
                raise InputError(f"`{name}` must name axes out of {AXES}. Received: {name}={getattr(self, name)}")
        for axis, fields in self.ablation.items():
            known = isinstance(fields, dict) and set(fields) <= set(FIELDS) - {"without", "ablation"}
            if not known or AUTO in fields.values():
                raise InputError(
                    f"`ablation` must map an axis to fields of a recipe, none of them {AUTO!r}. "
                    f"Received: ablation[{axis!r}]={fields!r}"
                )


FIELDS = tuple(field.name for field in dataclasses.fields(Recipe))
# The recipe's fields that are arguments of `PatchAugmentation`, by argument.
PATCH_FIELDS = {
    name.removeprefix("patch_"): name for name in FIELDS if name.startswith("patch_") and name != "patch_size"
}

# Of these, the probabilities and counts that switch an augmentation on.
PATCH_SWITCHES = (
    *("patch_flip", "patch_primitives", "patch_elastic", "patch_shear", "patch_histogram"),
    *("patch_colour_distortion", "patch_greyscale", "patch_colour_dropping"),
)

_CHOICES = {
    "channels": (AUTO, 1, 3),
    "encoder": ENCODERS,
    "stacks": (3, 4),
    "stem": (AUTO, "small", "medium", "large"),
    "normalization": ("layer", "batch", "none"),
    "schedule": ("cosine", "step", "constant"),
    "precision": (AUTO, "float32", "mixed_bfloat16"),
}
_POSITIVE = (
    *("tile", "short_side", "crop", "patch_size", "stride", "patch_sub_crop"),
    *("target_dim", "scale", "context_blocks", "context_width"),
    *(
        "batch_size",
        "accumulate",
        "steps",
        "epochs",
        "minutes",
        "learning_rate",
        "epsilon",
        "clip_norm",
        "decay_factor",
    ),
    *("checkpoint_every", "keep_checkpoints", "label_seeds", "head_blocks", "head_width", "head_bottleneck"),
)
_SHARES = (
    *(name for name in PATCH_SWITCHES if name != "patch_primitives"),
    *("patch_fill", "patch_saturation", "patch_contrast", "max_bad_share"),
)
_NOT_NEGATIVE = (
    *("patch_primitives", "patch_elastic_strength", "patch_shear_strength", "patch_histogram_strength"),
    *("patch_brightness", "patch_hue", "warmup_steps", "weight_decay", "seed"),
)
_BELOW_ONE = ("beta_1", "beta_2", "average_decay")

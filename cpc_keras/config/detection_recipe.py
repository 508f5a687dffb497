"""A recipe for object detection: every setting of a transfer, flat, with its checks."""

import dataclasses

from cpc_keras.config.fields import AUTO, check_kinds, check_ranges
from cpc_keras.errors import InputError


@dataclasses.dataclass(frozen=True)
class DetectionRecipe:
    """The fields that a recipe for detection may set, with their defaults.

    Attributes:
        data: Images with boxes to learn from, see
            `cpc_keras.detection.data.boxed_images.open_boxed_images`.
        test: Those to be examined on; if `None` the split `test` of `data`.
        classes: Names of the classes, where not every one of the data's has an
            example; `()` takes those that occur.
        short_side: Pixels to which the short side is resized, or `None`.
        scales: Factors on it, of which each training image draws one.
        max_side: Pixels that the long side is held to, or `None`.
        tile: Side in pixels of the tiles into which large images are cut, or
            `None`.
        tile_overlap: Pixels that neighbouring tiles have in common.
        flip: Whether training images are mirrored at random.
        turn: Whether they are turned by right angles at random.
        colour_jitter: How much the colours of training images are changed, from 0
            to 1, see `cpc_keras.detection.data.augmentation.recoloured`.
        anchor_sizes: Sides in pixels of the square with an anchor's area, or
            `"auto"` (three, from the training boxes).
        anchor_ratios: Heights over widths of anchors.
        rpn_width: Channels of the region proposal network.
        roi_size: Side of a box's features.
        head_blocks: Residual blocks of the head.
        head_width: Its channels.
        head_bottleneck: Channels inside a block, `None` for two 3×3 convolutions.
        normalization: `"layer"`, `"batch"` or `"none"`, of the head.
        freeze_trunk: Whether the trunk stays as it is.
        candidates: Boxes before non-maximum suppression, in training and after.
        proposals: Boxes after it.
        rpn_batch: Anchors of an image that are learnt from at a step.
        roi_batch: Boxes of an image that the head learns from.
        score_threshold: Detections of a lower score are dropped.
        overlap_threshold: Of two detections of a class that overlap more, the
            weaker is dropped.
        max_detections: Detections of an image (or tile), at most.
        precision: `"float32"`, `"mixed_bfloat16"` or `"auto"`.
        batch_size: Images a step.
        steps: Optimizer steps; a number, or one for each of `fractions`.
        learning_rate: Peak of the cosine schedule (AdamW).
        warmup_steps: Steps of linear warm-up, at most a tenth of all.
        weight_decay: Decoupled weight decay.
        clip_norm: Largest global norm of the gradient, or `None`.
        checkpoint_every: Steps after which a training that is broken off can go
            on.
        fractions: Shares of the annotated images that are learnt from.
        seeds: Subsets drawn at each fraction; a number, or one for each.
        trunks: What the detector stands on, see `cpc_keras.detection.detect.detect`.
        max_bad_share: Share of unreadable files that is put up with.
        seed: Seed of everything random.
    """

    data: str
    test: str | None = None
    classes: tuple = ()
    short_side: int | None = 600
    scales: tuple = (0.8, 0.9, 1.0, 1.1, 1.25)
    max_side: int | None = 1000
    tile: int | None = None
    tile_overlap: int = 0
    flip: bool = True
    turn: bool = False
    colour_jitter: float = 0.0
    anchor_sizes: tuple | str = AUTO
    anchor_ratios: tuple = (0.5, 1.0, 2.0)
    rpn_width: int = 512
    roi_size: int = 14
    head_blocks: int = 3
    head_width: int = 2048
    head_bottleneck: int | None = 512
    normalization: str = "layer"
    freeze_trunk: bool = False
    candidates: tuple = (12000, 6000)
    proposals: tuple = (2000, 300)
    rpn_batch: int = 256
    roi_batch: int = 128
    score_threshold: float = 0.05
    overlap_threshold: float = 0.3
    max_detections: int = 100
    precision: str = AUTO
    batch_size: int = 8
    steps: int | tuple = 1000
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    weight_decay: float = 1e-2
    clip_norm: float | None = 10.0
    checkpoint_every: int = 250
    fractions: tuple = (1.0,)
    seeds: int | tuple = 1
    trunks: tuple = ("cpc", "scratch")
    max_bad_share: float = 0.1
    seed: int = 0

    def __post_init__(self):
        check_kinds(self)
        check_ranges(self, _CHOICES, _POSITIVE, _SHARES, _NOT_NEGATIVE)
        for name in ("scales", "anchor_sizes", "anchor_ratios", "fractions", "trunks"):
            if not getattr(self, name):
                raise InputError(f"`{name}` must not be empty. Received: {name}=()")
        for name in ("scales", "anchor_sizes", "anchor_ratios", "candidates", "proposals", "fractions"):
            value = getattr(self, name)
            if value != AUTO and not all(isinstance(one, (int, float)) and one > 0 for one in value):
                raise InputError(f"`{name}` must hold positive numbers. Received: {name}={value}")
        if max(self.fractions) > 1:
            raise InputError(f"`fractions` must lie in (0, 1]. Received: fractions={self.fractions}")
        for name in ("candidates", "proposals"):
            value = getattr(self, name)
            if len(value) != 2 or not all(isinstance(one, int) for one in value):
                raise InputError(f"`{name}` must be two whole numbers. Received: {name}={value}")
        for name in ("steps", "seeds"):
            value = getattr(self, name)
            numbers = value if isinstance(value, tuple) else (value,) * len(self.fractions)
            if len(numbers) != len(self.fractions) or not all(isinstance(one, int) and one > 0 for one in numbers):
                raise InputError(
                    f"`{name}` must be a whole number above 0, or one for each of the {len(self.fractions)} fractions. "
                    f"Received: {name}={value}"
                )

    def of_fraction(self, name, fraction):
        """`steps` or `seeds` of a fraction."""
        value = getattr(self, name)
        return value[self.fractions.index(fraction)] if isinstance(value, tuple) else value

    @property
    def detector(self):
        """Arguments of `cpc_keras.detection.FasterRCNN`, but for trunk and classes."""
        return {name: getattr(self, name) for name in _OF_DETECTOR}


_OF_DETECTOR = (
    *("anchor_sizes", "anchor_ratios", "rpn_width", "roi_size", "head_blocks", "head_width", "head_bottleneck"),
    *("normalization", "freeze_trunk", "candidates", "proposals", "rpn_batch", "roi_batch"),
    *("score_threshold", "overlap_threshold", "max_detections", "seed"),
)
_CHOICES = {
    "normalization": ("layer", "batch", "none"),
    "precision": (AUTO, "float32", "mixed_bfloat16"),
}
_POSITIVE = (
    *("short_side", "max_side", "tile", "rpn_width", "roi_size", "head_blocks", "head_width", "head_bottleneck"),
    *("rpn_batch", "roi_batch", "max_detections", "batch_size", "learning_rate", "clip_norm", "checkpoint_every"),
)
_SHARES = ("colour_jitter", "score_threshold", "overlap_threshold", "max_bad_share")
_NOT_NEGATIVE = ("tile_overlap", "warmup_steps", "weight_decay", "seed")

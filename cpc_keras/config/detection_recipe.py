"""A recipe for object detection: every setting of a transfer, flat, with its checks."""

import dataclasses
from typing import ClassVar

from cpc_keras.config.fields import (
    AT_ONCE,
    AUTO,
    CHANNELS,
    LAYERS,
    NOT_NEGATIVE,
    PIXELS,
    POSITIVE,
    REQUIRED,
    SHARE,
    SOME_SHARE,
    TIMES,
    check_fields,
    documented,
    setting,
    shown,
)
from cpc_keras.errors import InputError


@documented
@dataclasses.dataclass(frozen=True)
class DetectionRecipe:
    """The fields that a recipe for detection may set, with their defaults."""

    FORMER_NAMES: ClassVar = {
        "trunks": "backbones",
        "freeze_trunk": "freeze_backbone",
        "colour_jitter": "color_jitter",
    }

    data: str = setting(
        REQUIRED, "Images with boxes to learn from, see `cpc_keras.detection.data.boxed_images.open_boxed_images`."
    )
    test: str | None = setting(None, "Those to test on; if `None` the split `test` of `data`.")
    classes: tuple = setting(
        (),
        "Names of the classes, where not every one of the data's has an example; `()` takes those that occur.",
        of=str,
    )
    short_side: int | None = setting(600, "Pixels to which the short side is resized, or `None`.", bounds=PIXELS)
    scales: tuple = setting(
        (0.8, 0.9, 1.0, 1.1, 1.25),
        "Factors on it, of which each training image draws one.",
        of=float,
        bounds=POSITIVE._replace(most=16),
    )
    max_side: int | None = setting(1000, "Pixels that the long side is held to, or `None`.", bounds=PIXELS)
    tile: int | None = setting(
        None, "Side in pixels of the tiles into which large images are cut, or `None`.", bounds=PIXELS
    )
    tile_overlap: int = setting(
        0, "Pixels that neighbouring tiles have in common.", bounds=NOT_NEGATIVE._replace(most=32_768)
    )
    flip: bool = setting(True, "Whether training images are mirrored at random.")
    turn: bool = setting(False, "Whether they are turned by right angles at random.")
    color_jitter: float = setting(
        0.0,
        "How much the colours of training images are changed, from 0 to 1, see "
        "`cpc_keras.detection.data.augmentation.color_jittered`.",
        bounds=SHARE,
    )
    anchor_sizes: tuple | str = setting(
        AUTO,
        'Sides in pixels of the square with an anchor\'s area, or `"auto"` (three, from the training boxes).',
        of=float,
        bounds=PIXELS,
    )
    anchor_ratios: tuple = setting((0.5, 1.0, 2.0), "Heights over widths of anchors.", of=float, bounds=TIMES)
    rpn_width: int = setting(512, "Channels of the region proposal network.", bounds=CHANNELS)
    roi_size: int = setting(14, "Side of a box's features.", bounds=POSITIVE._replace(most=256))
    head_blocks: int = setting(3, "Residual blocks of the head.", bounds=LAYERS)
    head_width: int = setting(2048, "Its channels.", bounds=CHANNELS)
    head_bottleneck: int | None = setting(
        512, "Channels inside a block, `None` for two 3×3 convolutions.", bounds=CHANNELS
    )
    normalization: str = setting(
        "layer", '`"layer"`, `"batch"` or `"none"`, of the head.', choices=("layer", "batch", "none")
    )
    freeze_backbone: bool = setting(False, "Whether the backbone stays as it is.")
    candidates: tuple = setting(
        (12000, 6000), "Boxes before non-maximum suppression, in training and after.", of=int, bounds=AT_ONCE
    )
    proposals: tuple = setting((2000, 300), "Boxes after it.", of=int, bounds=AT_ONCE)
    rpn_batch: int = setting(256, "Anchors of an image that are trained on at a step.", bounds=AT_ONCE)
    roi_batch: int = setting(128, "Boxes of an image that the head is trained on.", bounds=AT_ONCE)
    score_threshold: float = setting(0.05, "Detections of a lower score are dropped.", bounds=SHARE)
    overlap_threshold: float = setting(
        0.3, "Of two detections of a class that overlap more, the weaker is dropped.", bounds=SHARE
    )
    max_detections: int = setting(100, "Detections of an image (or tile), at most.", bounds=AT_ONCE)
    precision: str = setting(
        AUTO, '`"float32"`, `"mixed_bfloat16"` or `"auto"`.', choices=(AUTO, "float32", "mixed_bfloat16")
    )
    batch_size: int = setting(8, "Images a step.", bounds=AT_ONCE)
    steps: int | tuple = setting(
        1000, "Optimizer steps; a number, or one for each of `fractions`.", of=int, bounds=POSITIVE
    )
    learning_rate: float = setting(1e-3, "Peak of the cosine schedule (AdamW).", bounds=POSITIVE)
    warmup_steps: int = setting(100, "Steps of linear warm-up, at most a tenth of all.", bounds=NOT_NEGATIVE)
    weight_decay: float = setting(1e-2, "Decoupled weight decay.", bounds=NOT_NEGATIVE)
    clip_norm: float | None = setting(10.0, "Largest global norm of the gradient, or `None`.", bounds=POSITIVE)
    checkpoint_every: int = setting(250, "Steps after which a training that is broken off can go on.", bounds=POSITIVE)
    fractions: tuple = setting(
        (1.0,), "Shares of the annotated images that are trained on.", of=float, bounds=SOME_SHARE
    )
    seeds: int | tuple = setting(1, "Subsets drawn at each fraction; a number, or one for each.", of=int, bounds=TIMES)
    backbones: tuple = setting(
        ("cpc", "scratch"), "What the detector stands on, see `cpc_keras.detection.detect.detect`.", of=str
    )
    max_bad_share: float = setting(0.1, "Share of unreadable files that is put up with.", bounds=SHARE)
    seed: int = setting(0, "Seed of everything random.", bounds=NOT_NEGATIVE)

    def __post_init__(self):
        check_fields(self)
        for name in ("scales", "anchor_sizes", "anchor_ratios", "fractions", "backbones"):
            if not getattr(self, name):
                raise InputError(f"`{name}` must not be empty. Received: {name}=()")
        for name in ("candidates", "proposals"):
            value = getattr(self, name)
            if len(value) != 2:
                raise InputError(f"`{name}` must be two whole numbers. Received: {name}={shown(value)}")
        for name in ("steps", "seeds"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != len(self.fractions):
                raise InputError(
                    f"`{name}` must be a whole number above 0, or one for each of the {len(self.fractions)} fractions. "
                    f"Received: {name}={shown(value)}"
                )

    def of_fraction(self, name, fraction):
        """`steps` or `seeds` of a fraction."""
        value = getattr(self, name)
        return value[self.fractions.index(fraction)] if isinstance(value, tuple) else value

    @property
    def detector(self):
        """Arguments of `cpc_keras.detection.FasterRCNN`, but for backbone and classes."""
        return {name: getattr(self, name) for name in _OF_DETECTOR}


_OF_DETECTOR = (
    *("anchor_sizes", "anchor_ratios", "rpn_width", "roi_size", "head_blocks", "head_width", "head_bottleneck"),
    *("normalization", "freeze_backbone", "candidates", "proposals", "rpn_batch", "roi_batch"),
    *("score_threshold", "overlap_threshold", "max_detections", "seed"),
)

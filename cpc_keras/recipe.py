"""A recipe: every setting of a run in one flat file, read but never executed."""

import ast
import dataclasses
import difflib
import pathlib

from cpc_keras.errors import InputError

AUTO = "auto"
ENCODERS = ("resnet", "resnet18", "resnet50")
PRECISIONS = (AUTO, "float32", "mixed_bfloat16")
_BUILT_IN = pathlib.Path(__file__).parent / "recipes"
_CHECKOUT = pathlib.Path(__file__).parent.parent / "recipes"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The fields a recipe may set, with their defaults.

    `"auto"` where it is allowed is replaced by `cpc_keras.geometry.resolve`
    once the images are known.

    Attributes:
        data: Source of the images, see `cpc_keras.data.open_source`.
        channels: 1, 3, or `"auto"` (1 if every image is grey).
        short_side: Pixels to which the shorter side is resized, `None` (as it
            is) or `"auto"`.
        crop: Side of the square crop in pixels, or `"auto"`.
        flip: Whether images are mirrored at random.
        patch_size: Side of a patch in pixels, or `"auto"`.
        stride: Pixels from patch to patch, or `"auto"`.
        encoder: `"resnet"` (with `widths` and `blocks`), `"resnet18"` or
            `"resnet50"`.
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
        patch_flip: Probability that a patch is mirrored.
        patch_brightness: Largest change of a patch's brightness.
        patch_contrast: Largest relative change of a patch's contrast.
        patch_colour_dropping: Probability that a patch keeps one channel only.
        precision: `"float32"`, `"mixed_bfloat16"` or `"auto"` (the latter where
            the processor computes in it).
        batch_size: Images a step, or `"auto"`.
        steps: Optimizer steps of the whole run.
        epochs: Passes over the images instead of `steps`.
        learning_rate: Peak of the schedule (Adam).
        warmup_steps: Steps of linear warm-up before the cosine decay to zero,
            at most a tenth of all steps.
        weight_decay: Decoupled weight decay.
        clip_norm: Largest global norm of the gradient, or `None`.
        checkpoint_every: Steps between checkpoints.
        keep_checkpoints: How many of the last ones are kept.
        max_bad_share: Share of unreadable files that is put up with.
        labels_per_class: Label budgets of the evaluation.
        fractions: Label budgets as shares of all labels.
        label_seeds: Number of subsets drawn at each budget.
        seed: Seed of everything random.
    """

    data: str = "tfds:fashion_mnist"
    channels: int | str = AUTO
    short_side: int | str | None = None
    crop: int | str = AUTO
    flip: bool = False
    patch_size: int | str = AUTO
    stride: int | str = AUTO
    encoder: str = "resnet"
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
    patch_flip: float = 0.0
    patch_brightness: float = 0.0
    patch_contrast: float = 0.0
    patch_colour_dropping: float = 0.0
    precision: str = AUTO
    batch_size: int | str = AUTO
    steps: int | None = None
    epochs: int | None = None
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    weight_decay: float = 0.0
    clip_norm: float | None = None
    checkpoint_every: int = 500
    keep_checkpoints: int = 3
    max_bad_share: float = 0.1
    labels_per_class: tuple = (5, 10)
    fractions: tuple = ()
    label_seeds: int = 3
    seed: int = 0

    def __post_init__(self):
        for name in ("widths", "blocks", "offsets", "directions", "labels_per_class", "fractions"):
            value = getattr(self, name)
            if isinstance(value, list | tuple):
                object.__setattr__(self, name, tuple(value))
        for field in dataclasses.fields(self):
            _check_kind(field.name, getattr(self, field.name), field.type)
        if (self.steps is None) == (self.epochs is None):
            raise InputError(
                f"`steps` or `epochs` must be set, and not both. Received: steps={self.steps}, epochs={self.epochs}"
            )
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise InputError(f"`{name}` must be one of {choices}. Received: {name}={getattr(self, name)!r}")
        for name in _POSITIVE:
            value = getattr(self, name)
            if value not in (AUTO, None) and value <= 0:
                raise InputError(f"`{name}` must be positive. Received: {name}={value}")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"`{name}` must lie in [0, 1]. Received: {name}={getattr(self, name)}")
        for name in ("warmup_steps", "weight_decay", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"`{name}` must not be negative. Received: {name}={getattr(self, name)}")
        if len(self.widths) != len(self.blocks) or not self.widths:
            raise InputError(
                "`widths` and `blocks` must name the same number of stacks, at least one. "
                f"Received: widths={self.widths}, blocks={self.blocks}"
            )


_CHOICES = {
    "channels": (AUTO, 1, 3),
    "encoder": ENCODERS,
    "stem": (AUTO, "small", "medium", "large"),
    "normalization": ("layer", "batch", "none"),
    "precision": PRECISIONS,
}
_POSITIVE = (
    "short_side",
    "crop",
    "patch_size",
    "stride",
    "target_dim",
    "scale",
    "context_blocks",
    "context_width",
    "batch_size",
    "steps",
    "epochs",
    "learning_rate",
    "clip_norm",
    "checkpoint_every",
    "keep_checkpoints",
    "label_seeds",
)
_SHARES = (
    "patch_flip",
    "patch_brightness",
    "patch_contrast",
    "patch_colour_dropping",
    "max_bad_share",
)


def _check_kind(name, value, kind):
    accepted = kind.__args__ if hasattr(kind, "__args__") else (kind,)
    if isinstance(value, bool):
        fits = bool in accepted
    elif isinstance(value, int):
        fits = int in accepted or float in accepted
    elif value is None:
        fits = type(None) in accepted
    elif isinstance(value, str):
        fits = str in accepted and (value == AUTO or int not in accepted)
    else:
        fits = isinstance(value, accepted)
    if not fits:
        names = " or ".join(
            repr(AUTO) if one is str and int in accepted else "None" if one is type(None) else one.__name__
            for one in accepted
        )
        raise InputError(f"`{name}` must be {names}. Received: {name}={value!r}")


def load_recipe(name, overrides=()):
    """Reads a recipe file.

    Args:
        name: Path of the file, or the name of a recipe that comes with the
            package, such as `"fashion_mnist"`.
        overrides: Strings `"KEY=VALUE"` that replace fields. A value that is no
            Python literal is taken as text.

    Returns:
        A `Recipe`.

    Raises:
        InputError: If the file is missing, holds anything but a docstring and
            `name = literal` lines, or a field is unknown or out of range.

    Example:

    >>> load_recipe("fashion_mnist", ["batch_size=16"]).batch_size
    16
    """
    path = _find(name)
    fields = _read_assignments(path.read_text(encoding="utf-8"), str(path))
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise InputError(f"`--set` must be KEY=VALUE. Received: {override}")
        fields[key.strip()] = _literal_or_text(value.strip())
    return recipe_from_fields(fields)


def recipe_from_fields(fields):
    """Builds a `Recipe` from a dictionary, refusing unknown names."""
    known = [field.name for field in dataclasses.fields(Recipe)]
    for key in fields:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise InputError(f"A recipe's fields must be known ones. Received: {key!r}{hint}")
    return Recipe(**fields)


def _find(name):
    path = pathlib.Path(name)
    if path.is_file():
        return path
    if path.name == name:
        for folder in (_BUILT_IN, _CHECKOUT):
            candidate = folder / f"{path.stem}.py"
            if candidate.is_file():
                return candidate
    raise InputError(f"`RECIPE` must be an existing file or the name of a recipe. Received: {name}")


def _read_assignments(text, origin):
    try:
        tree = ast.parse(text, origin)
    except SyntaxError as error:
        raise InputError(
            f"`RECIPE` must be a readable file. Received: {origin} line {error.lineno}: {error.msg}"
        ) from error
    fields = {}
    for index, node in enumerate(tree.body):
        docstring = index == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring:
            continue
        simple = isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        try:
            if not simple:
                raise ValueError
            fields[node.targets[0].id] = ast.literal_eval(node.value)
        except ValueError as error:
            raise InputError(
                f"`RECIPE` must hold only a docstring and lines `name = literal`. Received: {origin} line {node.lineno}"
            ) from error
    return fields


def _literal_or_text(value):
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value

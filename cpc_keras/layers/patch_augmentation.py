"""Random changes that each patch draws for itself."""

import inspect

import keras
from keras import ops

from cpc_keras.layers.patch_draws import PatchDraws
from cpc_keras.layers.random_primitives import PRIMITIVE_RANGES, check_primitive_ranges, random_primitive
from cpc_keras.layers.transforms import color, elastic, geometry, histogram

# Arguments in [0, 1]; `cpc_keras.config.patch_fields` reads them here.
SHARES = (
    "flip",
    "elastic",
    "elastic_strength",
    "shear",
    "histogram",
    "color_distortion",
    "saturation",
    "contrast",
    "grayscale",
    "color_dropping",
    "fill",
)
_COLOR_CHANNELS = 3
_HISTOGRAM_PIECES = 4
# Arguments as version 0.1 called them, in files that it wrote. The names of draws are those of then: another name is
# another stream of random numbers.
FORMER_NAMES = {
    "colour_distortion": "color_distortion",
    "greyscale": "grayscale",
    "colour_dropping": "color_dropping",
}


@keras.saving.register_keras_serializable(package="cpc_keras")
class PatchAugmentation(keras.layers.Layer):
    """Changes each patch on its own: place, shape and colour.

    Patches of one image share lighting, colour cast and orientation, and a
    network can solve the contrastive task by these alone. Drawing every change
    anew for every patch takes the short cut away. Active in training only, and
    off by default; strengths default to the published ones. In this order:

    1. sub-crop, mirroring;
    2. `primitives` times one of AutoAugment's, drawn at random;
    3. elastic deformation and shear;
    4. change of the colour histogram;
    5. Inception's colour distortion: brightness, saturation, hue, contrast;
    6. grayscale; colour dropping.

    What a patch draws is a pure function of `seed`, step, the image's place in the
    batch and the patch's place in the grid. The layer counts its own steps, and
    keeps the count when it is saved; given `step`, it is a pure function itself
    and serves inside `tf.data`, where it does just what it does in the model.

    Args:
        sub_crop: Side in pixels of a random part of each patch that is kept and
            put back into the middle, zeros around it; `None` keeps all.
        flip: Probability that a patch is mirrored left to right.
        primitives: How many primitives are applied in a row.
        primitive_ranges: Dictionary from primitive to its lowest and highest
            strength, `()` for those without; see
            `cpc_keras.layers.random_primitives.PRIMITIVE_RANGES`, which is what
            `None` means.
        elastic: Probability of an elastic deformation.
        elastic_strength: Largest shift of a pixel, as a share of the patch.
        elastic_smoothness: Distance of the control points of the deformation, as
            a share of the patch, in `(0, 0.5]`.
        shear: Probability of a shear along both axes.
        shear_strength: Largest shear, in pixels a pixel.
        histogram: Probability of a change of the colour histogram.
        histogram_strength: How far the slopes of the map of values may be from
            1, in `[0, 1)`.
        color_distortion: Probability of changes of brightness, saturation, hue
            and contrast, all at once.
        brightness: A value from `[-brightness, brightness]` is added.
        saturation: Saturation is multiplied by `[1 - saturation, 1 + saturation]`.
        hue: Hue is turned by `[-hue, hue]` of a turn.
        contrast: Distances from each channel's mean are multiplied by
            `[1 - contrast, 1 + contrast]`.
        grayscale: Probability that a patch becomes grey.
        color_dropping: Probability that two of three colour channels are
            replaced by the third.
        fill: Value of what comes from outside the patch in primitives and shear.
        clip: Whether the result is clipped to `[0, 1]`. Without, changes of
            brightness and contrast may leave that range, and bright patches stay
            structured (changes of saturation and hue clip before they act).
        seed: Whole number.

    Saturation, hue, grayscale and colour dropping leave patches that have not
    three channels as they are.

    Call arguments:
        patches: Float tensor `[B, rows, cols, p, p, C]`, values in `[0, 1]`.
        training: Whether to augment.
        step: Whole number or integer scalar tensor; the layer's own count if
            `None`.
        replica_offset: Place of the first image in the global batch, where the
            batch is split.

    Output shape:
        Same as the input.

    Raises:
        ValueError: If a probability or strength is out of range, a primitive is
            unknown, or `sub_crop` is larger than a patch.

    Reference:
        Hénaff et al. 2019, arXiv 1905.09272, appendix (all but the sub-crop) and
        Figure 3; van den Oord et al. 2018, arXiv 1807.03748 (sub-crop).

    Example:

    >>> import numpy as np
    >>> published = PatchAugmentation(
    ...     primitives=2, elastic=0.2, shear=0.2, histogram=0.2, color_distortion=0.8, grayscale=0.25, seed=1
    ... )
    >>> patches = np.random.default_rng(0).uniform(size=(2, 3, 3, 16, 16, 3)).astype("float32")
    >>> first, second = (np.asarray(published(patches, training=True, step=0)) for _ in range(2))
    >>> first.shape, bool((first == second).all())
    ((2, 3, 3, 16, 16, 3), True)
    """

    def __init__(
        self,
        sub_crop=None,
        flip=0.0,
        primitives=0,
        primitive_ranges=None,
        elastic=0.0,
        elastic_strength=0.05,
        elastic_smoothness=0.25,
        shear=0.0,
        shear_strength=0.3,
        histogram=0.0,
        histogram_strength=0.5,
        color_distortion=0.0,
        brightness=32 / 255,
        saturation=0.5,
        hue=0.2,
        contrast=0.5,
        grayscale=0.0,
        color_dropping=0.0,
        fill=0.5,
        clip=True,
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.sub_crop = sub_crop
        self.flip = flip
        self.primitives = primitives
        self.primitive_ranges = primitive_ranges
        self.elastic = elastic
        self.elastic_strength = elastic_strength
        self.elastic_smoothness = elastic_smoothness
        self.shear = shear
        self.shear_strength = shear_strength
        self.histogram = histogram
        self.histogram_strength = histogram_strength
        self.color_distortion = color_distortion
        self.brightness = brightness
        self.saturation = saturation
        self.hue = hue
        self.contrast = contrast
        self.grayscale = grayscale
        self.color_dropping = color_dropping
        self.fill = fill
        self.clip = clip
        self.seed = seed
        self._check()
        self.step = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="step", aggregation="only_first_replica"
        )

    def _check(self):
        for name in SHARES:
            self._demand(name, 0.0 <= getattr(self, name) <= 1.0, "lie in [0, 1]")
        for name in ("shear_strength", "brightness", "hue"):
            self._demand(name, getattr(self, name) >= 0.0, "not be negative")
        self._demand("histogram_strength", 0.0 <= self.histogram_strength < 1.0, "lie in [0, 1)")
        self._demand("elastic_smoothness", 0.0 < self.elastic_smoothness <= 0.5, "lie in (0, 0.5]")
        self._demand("primitives", int(self.primitives) == self.primitives >= 0, "be a whole number from 0 on")
        whole = self.sub_crop is None or int(self.sub_crop) == self.sub_crop >= 1
        self._demand("sub_crop", whole, "be a positive whole number or None")
        self._demand("seed", isinstance(self.seed, int), "be a whole number")
        if self.primitive_ranges is not None:
            check_primitive_ranges(self.primitive_ranges)

    def _demand(self, name, holds, wish):
        if not holds:
            raise ValueError(f"`{name}` must {wish}. Received: {name}={getattr(self, name)}")

    def call(self, patches, training=False, step=None, replica_offset=0):
        if not training:
            return patches
        if step is None:
            step = self.step + 0  # a value of its own, not a view of what is about to change
            self.step.assign(step + 1)
        shape = ops.shape(patches)
        images, rows, cols, height, width, channels = shape
        if self.sub_crop is not None and self.sub_crop > height:
            raise ValueError(f"`sub_crop` must not exceed the patch of {height} px. Received: sub_crop={self.sub_crop}")
        draws = PatchDraws(self.seed, step, images, rows, cols, replica_offset)
        flat = ops.cast(ops.reshape(patches, (-1, height, width, channels)), "float32")
        flat = self._change_colors(self._move_pixels(flat, draws), draws)
        if self.clip:
            flat = ops.clip(flat, 0.0, 1.0)
        return ops.cast(ops.reshape(flat, shape), patches.dtype)

    def _move_pixels(self, patches, draws):
        _, height, width, _ = ops.shape(patches)
        if self.sub_crop is not None:
            top = draws.integer("sub-crop top", height - self.sub_crop + 1)
            left = draws.integer("sub-crop left", width - self.sub_crop + 1)
            patches = geometry.crop_and_pad(patches, self.sub_crop, top, left)
        if self.flip:
            patches = _where(draws.happens("flip", self.flip), geometry.flip(patches), patches)
        ranges = PRIMITIVE_RANGES if self.primitive_ranges is None else self.primitive_ranges
        for turn in range(self.primitives):
            patches = random_primitive(patches, draws, turn, ranges, self.fill)
        if self.elastic:
            points = round(1.0 / self.elastic_smoothness) + 1
            reach = self.elastic_strength * height
            control = draws.uniform("elastic field", -reach, reach, (points, points, 2))
            patches = _where(draws.happens("elastic", self.elastic), elastic.elastic(patches, control), patches)
        if self.shear:
            amounts = {
                name: draws.uniform(name, -self.shear_strength, self.shear_strength) for name in ("shear_x", "shear_y")
            }
            sheared = geometry.warp(patches, geometry.affine_matrix(**amounts), self.fill)
            patches = _where(draws.happens("shear", self.shear), sheared, patches)
        return patches

    def _change_colors(self, patches, draws):
        colored = patches.shape[-1] == _COLOR_CHANNELS
        if self.histogram:
            reach = self.histogram_strength
            slopes = draws.uniform("slopes", 1.0 - reach, 1.0 + reach, (patches.shape[-1], _HISTOGRAM_PIECES))
            remapped = histogram.remap_histogram(patches, slopes)
            patches = _where(draws.happens("histogram", self.histogram), remapped, patches)
        if self.color_distortion:
            distorted = self._distort(patches, draws, colored)
            if self.color_distortion == 1.0:
                patches = distorted
            else:
                happens = draws.happens("colour distortion", self.color_distortion)
                patches = _where(happens, distorted, patches)
        if colored and self.grayscale:
            patches = _where(draws.happens("greyscale", self.grayscale), color.grayscale(patches), patches)
        if colored and self.color_dropping:
            kept = draws.integer("kept colour", _COLOR_CHANNELS)
            dropped = color.drop_colors(patches, kept)
            patches = _where(draws.happens("colour dropping", self.color_dropping), dropped, patches)
        return patches

    def _distort(self, patches, draws, colored):
        if self.brightness:
            delta = draws.uniform("brightness", -self.brightness, self.brightness)
            patches = color.adjust_brightness(patches, delta)
        if colored and (self.saturation or self.hue):
            factor = draws.uniform("saturation", 1.0 - self.saturation, 1.0 + self.saturation)
            turn = draws.uniform("hue", -self.hue, self.hue)
            patches = color.adjust_hue_and_saturation(ops.clip(patches, 0.0, 1.0), turn, factor)
        if self.contrast:
            factor = draws.uniform("contrast", 1.0 - self.contrast, 1.0 + self.contrast)
            patches = color.adjust_contrast(patches, factor)
        return patches

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in _ARGUMENTS}}

    @classmethod
    def from_config(cls, config):
        return cls(**{FORMER_NAMES.get(name, name): value for name, value in config.items()})


_ARGUMENTS = tuple(
    name for name in inspect.signature(PatchAugmentation.__init__).parameters if name not in ("self", "kwargs")
)


def _where(happens, changed, patches):
    return ops.where(happens[:, None, None, None], changed, patches)

"""A primitive of AutoAugment drawn at random for each patch."""

from keras import ops

from cpc_keras.layers.transforms import geometry, primitives

# Lowest and highest strength. Shear in pixels a pixel, shifts and cut-outs in
# shares of the patch, angles in degrees, the rest as in Pillow.
PRIMITIVE_RANGES = {
    "shear_x": (-0.3, 0.3),
    "shear_y": (-0.3, 0.3),
    "translate_x": (-1 / 3, 1 / 3),
    "translate_y": (-1 / 3, 1 / 3),
    "rotate": (-30.0, 30.0),
    "autocontrast": (),
    "invert": (),
    "equalize": (),
    "solarize": (0.0, 256.0),
    "posterize": (4, 8),
    "contrast": (0.1, 1.9),
    "color": (0.1, 1.9),
    "brightness": (0.1, 1.9),
    "sharpness": (0.1, 1.9),
    "cutout": (0.0, 0.2),
}
# Primitives as version 0.1 called them.
_FORMER_NAMES = {"colour": "color"}
_BITS = 8
_GEOMETRIC = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
_PLAIN = {"autocontrast": primitives.autocontrast, "invert": primitives.invert, "equalize": primitives.equalize}
_STRONG = {
    "solarize": primitives.solarize,
    "contrast": primitives.enhance_contrast,
    "color": primitives.enhance_color,
    "brightness": primitives.enhance_brightness,
    "sharpness": primitives.enhance_sharpness,
}


def check_primitive_ranges(ranges):
    """Raises `ValueError` unless `ranges` is like `PRIMITIVE_RANGES`, or a part of it.

    Args:
        ranges: Dictionary from primitive to `(low, high)`, or to `()` for those
            without a strength.

    Example:

    >>> check_primitive_ranges({"rotate": (-10, 10), "invert": ()})
    """
    for name, reach in _current(ranges).items():
        if name not in PRIMITIVE_RANGES:
            raise ValueError(
                f"`primitive_ranges` must name primitives out of {tuple(PRIMITIVE_RANGES)}. "
                f"Received: primitive_ranges={ranges}"
            )
        numbers = isinstance(reach, list | tuple) and all(isinstance(one, int | float) for one in reach)
        if not numbers or len(reach) != len(PRIMITIVE_RANGES[name]) or (len(reach) and reach[0] > reach[1]):
            wanted = "(low, high)" if PRIMITIVE_RANGES[name] else "()"
            raise ValueError(
                f"`primitive_ranges` must give {wanted} for {name!r}. Received: primitive_ranges[{name!r}]={reach}"
            )
        if name == "posterize" and not 0 <= reach[0] <= reach[1] <= _BITS:
            raise ValueError(
                f"`primitive_ranges` must give 'posterize' bits in [0, {_BITS}]. "
                f"Received: primitive_ranges['posterize']={reach}"
            )
    if not ranges:
        raise ValueError("`primitive_ranges` must name at least one primitive. Received: primitive_ranges={}")


def _current(ranges):
    return {_FORMER_NAMES.get(name, name): reach for name, reach in ranges.items()}


def random_primitive(patches, draws, turn, ranges, fill):
    """Applies to each patch one primitive of its own, at a strength of its own.

    Args:
        patches: Float tensor `[N, h, w, C]`, values in `[0, 1]`.
        draws: The `PatchDraws` of these patches.
        turn: Which in a row of primitives this is, a number in the name of its draws.
        ranges: As `PRIMITIVE_RANGES`; primitives that are not in it are not drawn.
        fill: Value of what comes from outside the patch, and of cut-outs.

    Returns:
        Float tensor `[N, h, w, C]`.

    Reference:
        Cubuk et al. 2018, arXiv 1805.09501, table 6.

    Example:

    >>> import numpy as np
    >>> from cpc_keras.layers.patch_draws import PatchDraws
    >>> draws = PatchDraws(seed=0, step=0, images=1, rows=1, cols=2)
    >>> patches = np.full((2, 4, 4, 3), 0.25, "float32")
    >>> float(np.asarray(random_primitive(patches, draws, 0, {"invert": ()}, fill=0.5)).mean())
    0.75
    """
    _, height, width, channels = ops.shape(patches)
    ranges = _current(ranges)
    names = [name for name in ranges if not (name == "color" and channels == 1)]
    chosen = draws.integer(f"primitive {turn}", len(names))
    share = draws.uniform(f"strength {turn}", 0.0, 1.0)
    out = patches

    def is_chosen(name):
        return ops.equal(chosen, names.index(name))

    def strength(name, otherwise):
        """What the patches that drew `name` drew, and `otherwise` for the others."""
        low, high = ranges[name]
        return ops.where(is_chosen(name), low + (high - low) * share, otherwise)

    def put(mask, changed):
        return ops.where(mask[:, None, None, None], changed, out)

    moving = [name for name in names if name in _GEOMETRIC]
    if moving:
        amounts = {name: strength(name, 0.0) for name in moving}
        for name, size in (("translate_x", width), ("translate_y", height)):
            if name in amounts:
                amounts[name] = ops.round(amounts[name] * size)
        moved = sum(ops.cast(is_chosen(name), "int32") for name in moving) > 0
        out = put(moved, geometry.warp(patches, geometry.affine_matrix(**amounts), fill))
    for name in names:
        if name in _PLAIN:
            out = put(is_chosen(name), _PLAIN[name](patches))
        elif name in _STRONG:
            out = put(is_chosen(name), _STRONG[name](patches, strength(name, 1.0)))
        elif name == "posterize":
            low, high = ranges[name]
            bits = ops.cast(ops.minimum(ops.floor(low + (high - low + 1) * share), high), "int32")
            out = put(is_chosen(name), primitives.posterize(patches, bits))
        elif name == "cutout":
            row = draws.uniform(f"cutout row {turn}", 0.0, float(height))
            col = draws.uniform(f"cutout col {turn}", 0.0, float(width))
            side = strength(name, 0.0) * width
            out = put(is_chosen(name), geometry.cutout(patches, row, col, side, fill))
    return out

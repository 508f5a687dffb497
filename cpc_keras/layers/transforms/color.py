"""Brightness, contrast, saturation, hue and grey, a strength for each patch."""

import numpy as np
from keras import ops

# ITU-R BT.601, as Pillow and TensorFlow use it.
LUMA = (0.299, 0.587, 0.114)


def per_patch(values):
    """`[N]` as float32 `[N, 1, 1, 1]`.

    Example:

    >>> tuple(per_patch(np.zeros(5)).shape)
    (5, 1, 1, 1)
    """
    return ops.cast(values, "float32")[:, None, None, None]


def luma(patches):
    """Grey value `[N, h, w, 1]` of patches of one or three channels.

    Example:

    >>> red = np.array([1.0, 0.0, 0.0], "float32").reshape(1, 1, 1, 3)
    >>> round(float(luma(red)[0, 0, 0, 0]), 3)
    0.299
    """
    if patches.shape[-1] == 1:
        return patches
    return ops.sum(patches * np.array(LUMA, "float32"), axis=-1, keepdims=True)


def blend(degenerate, patches, factor):
    """`degenerate` at factor 0, the patch at 1, and beyond it above 1.

    Args:
        degenerate: Float tensor that broadcasts with `patches`.
        patches: Float tensor `[N, h, w, C]`.
        factor: `[N]`.

    Example:

    >>> float(blend(0.5, np.ones((1, 1, 1, 1), "float32"), np.array([1.5]))[0, 0, 0, 0])
    1.25
    """
    factor = per_patch(factor)
    return degenerate * (1.0 - factor) + patches * factor


def adjust_brightness(patches, delta):
    """Adds `delta` `[N]`, without clipping.

    Example:

    >>> float(adjust_brightness(np.ones((1, 1, 1, 1), "float32"), np.array([0.25]))[0, 0, 0, 0])
    1.25
    """
    return patches + per_patch(delta)


def adjust_contrast(patches, factor):
    """Multiplies distances from each channel's mean by `factor` `[N]`, without clipping.

    Example:

    >>> patch = np.array([0.25, 0.75], "float32").reshape(1, 1, 2, 1)
    >>> np.asarray(adjust_contrast(patch, np.array([2.0]))).ravel().tolist()
    [0.0, 1.0]
    """
    return blend(ops.mean(patches, axis=(1, 2), keepdims=True), patches, factor)


def adjust_hue_and_saturation(patches, turn, factor):
    """Turns the hue by `turn` `[N]` (1 is once around) and multiplies the saturation by `factor` `[N]`.

    Args:
        patches: Float tensor `[N, h, w, 3]`, values in `[0, 1]`.
        turn: `[N]`.
        factor: `[N]`.

    Example:

    >>> red = np.array([1.0, 0.0, 0.0], "float32").reshape(1, 1, 1, 3)
    >>> np.asarray(adjust_hue_and_saturation(red, np.array([1 / 3]), np.ones(1))).ravel().round(3).tolist()
    [0.0, 1.0, 0.0]
    """
    hue, saturation, value = ops.split(ops.image.rgb_to_hsv(patches, data_format="channels_last"), 3, axis=-1)
    hue = ops.mod(hue + per_patch(turn), 1.0)
    saturation = ops.clip(saturation * per_patch(factor), 0.0, 1.0)
    return ops.image.hsv_to_rgb(ops.concatenate([hue, saturation, value], axis=-1), data_format="channels_last")


def grayscale(patches):
    """Every channel becomes the grey value; the number of channels stays.

    Example:

    >>> tuple(grayscale(np.zeros((2, 4, 4, 3), "float32")).shape)
    (2, 4, 4, 3)
    """
    return ops.broadcast_to(luma(patches), ops.shape(patches))


def drop_colors(patches, kept):
    """Every channel becomes channel `kept`, int `[N]`.

    Example:

    >>> patch = np.array([0.25, 0.5, 0.75], "float32").reshape(1, 1, 1, 3)
    >>> np.asarray(drop_colors(patch, np.array([1]))).ravel().tolist()
    [0.5, 0.5, 0.5]
    """
    chosen = ops.equal(per_patch(kept), np.arange(patches.shape[-1], dtype="float32"))
    one = ops.sum(ops.where(chosen, patches, 0.0), axis=-1, keepdims=True)
    return ops.broadcast_to(one, ops.shape(patches))

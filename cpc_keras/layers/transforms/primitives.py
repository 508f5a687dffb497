"""AutoAugment's primitives that change values and leave pixels where they are, as Pillow has them.

Keras has layers for some, but they draw from a generator of their own, and of them
`Equalization`, `Solarization` and `RandomSharpness` do not agree with Pillow.
"""

import numpy as np
from keras import ops

from cpc_keras.layers.transforms.color import blend, luma, per_patch

_LEVELS = 256


def invert(patches):
    """Turns dark into bright.

    Example:

    >>> float(invert(np.full((1, 1, 1, 1), 0.25, "float32"))[0, 0, 0, 0])
    0.75
    """
    return 1.0 - patches


def solarize(patches, threshold):
    """Inverts what is at least as bright as `threshold` `[N]`, of 256 levels.

    Example:

    >>> patch = np.array([0.25, 0.75], "float32").reshape(1, 1, 2, 1)
    >>> np.asarray(solarize(patch, np.array([128.0]))).ravel().tolist()
    [0.25, 0.25]
    """
    return ops.where(patches * 255.0 >= per_patch(threshold) - 1e-3, 1.0 - patches, patches)


def posterize(patches, bits):
    """Keeps the upper `bits` of eight, int32 `[N]`.

    Example:

    >>> patch = np.array([[[[100 / 255]]]], "float32")
    >>> round(float(posterize(patch, np.array([4], "int32"))[0, 0, 0, 0]) * 255)
    96
    """
    # Whole numbers all the way: a power of two that is off in its last bit moves every level.
    step = ops.left_shift(ops.ones_like(bits), 8 - bits)[:, None, None, None]
    levels = ops.cast(ops.round(patches * 255.0), "int32") // step * step
    return ops.cast(levels, "float32") * (1.0 / 255.0)


def autocontrast(patches):
    """Stretches each channel to `[0, 1]`; a constant channel is left alone.

    Example:

    >>> patch = np.array([0.25, 0.5, 0.75], "float32").reshape(1, 1, 3, 1)
    >>> np.asarray(autocontrast(patch)).ravel().tolist()
    [0.0, 0.5, 1.0]
    """
    low = ops.min(patches, axis=(1, 2), keepdims=True)
    reach = ops.max(patches, axis=(1, 2), keepdims=True) - low
    flat = reach < 1.0 / 255.0
    return ops.where(flat, patches, (patches - low) / ops.where(flat, 1.0, reach))


def equalize(patches):
    """Spreads each channel so that every level is about as frequent as any other.

    Args:
        patches: Float tensor `[N, h, w, C]`, values in `[0, 1]`, taken as 256 levels.

    As in Pillow, a channel of fewer than 256 pixels, not counting those of its
    brightest level, has too few to spread and stays as it is.

    Example:

    >>> dark = np.linspace(0.0, 0.2, 1024, dtype="float32").reshape(1, 32, 32, 1)
    >>> float(np.asarray(equalize(dark)).max()) > 0.9
    True
    """
    count, height, width, channels = ops.shape(patches)
    pixels = height * width
    levels = ops.cast(ops.clip(ops.round(patches * 255.0), 0.0, 255.0), "int32")
    levels = ops.transpose(ops.reshape(levels, (-1, pixels, channels)), (0, 2, 1))  # [N, C, hw]
    rows = count * channels
    place = ops.reshape(levels, (-1, pixels)) + ops.arange(rows, dtype="int32")[:, None] * _LEVELS
    flat = ops.reshape(place, (-1,))
    histogram = ops.reshape(ops.segment_sum(ops.ones_like(flat), flat, num_segments=rows * _LEVELS), (-1, _LEVELS))
    below = ops.cumsum(histogram, axis=-1) - histogram
    # The last level in use does not count, so that it ends at 255.
    last = ops.sum(ops.where(ops.equal(below + histogram, pixels) & (histogram > 0), histogram, 0), axis=-1)
    step = (pixels - last) // 255
    table = ops.clip((step[:, None] // 2 + below) // ops.maximum(step, 1)[:, None], 0, 255)
    table = ops.where(step[:, None] > 0, table, np.arange(_LEVELS, dtype="int32"))
    mapped = ops.take(ops.reshape(table, (-1,)), flat, axis=0)
    mapped = ops.transpose(ops.reshape(mapped, (-1, channels, pixels)), (0, 2, 1))
    return ops.cast(ops.reshape(mapped, (-1, height, width, channels)), "float32") * (1.0 / 255.0)


def enhance_brightness(patches, factor):
    """Black at `factor` 0, the patch at 1; `factor` is `[N]`.

    Example:

    >>> float(enhance_brightness(np.full((1, 1, 1, 1), 0.5, "float32"), np.array([0.5]))[0, 0, 0, 0])
    0.25
    """
    return ops.clip(patches * per_patch(factor), 0.0, 1.0)


def enhance_contrast(patches, factor):
    """The patch's mean grey at `factor` 0, the patch at 1; `factor` is `[N]`.

    Example:

    >>> patch = np.array([0.25, 0.75], "float32").reshape(1, 1, 2, 1)
    >>> np.asarray(enhance_contrast(patch, np.zeros(1))).ravel().tolist()
    [0.5, 0.5]
    """
    return ops.clip(blend(ops.mean(luma(patches), axis=(1, 2), keepdims=True), patches, factor), 0.0, 1.0)


def enhance_color(patches, factor):
    """Grey at `factor` 0, the patch at 1; `factor` is `[N]`.

    Example:

    >>> red = np.array([1.0, 0.0, 0.0], "float32").reshape(1, 1, 1, 3)
    >>> round(float(enhance_color(red, np.zeros(1))[0, 0, 0, 2]), 3)
    0.299
    """
    return ops.clip(blend(luma(patches), patches, factor), 0.0, 1.0)


def enhance_sharpness(patches, factor):
    """Smoothed at `factor` 0, the patch at 1, sharpened above; the outermost pixels stay.

    Args:
        patches: Float tensor `[N, h, w, C]`, values in `[0, 1]`.
        factor: `[N]`.

    Example:

    >>> patch = np.zeros((1, 3, 3, 1), "float32")
    >>> patch[0, 1, 1, 0] = 1.0
    >>> round(float(enhance_sharpness(patch, np.zeros(1))[0, 1, 1, 0]) * 13)
    5
    """
    _, height, width, _ = ops.shape(patches)
    rows = [patches[:, i : height - 2 + i] for i in range(3)]
    total = sum(row[:, :, j : width - 2 + j] for row in rows for j in range(3))
    smooth = (total + 4.0 * patches[:, 1:-1, 1:-1]) * (1.0 / 13.0)
    inner = ops.clip(blend(smooth, patches[:, 1:-1, 1:-1], factor), 0.0, 1.0)
    middle = ops.concatenate([patches[:, 1:-1, :1], inner, patches[:, 1:-1, -1:]], axis=2)
    return ops.concatenate([patches[:, :1], middle, patches[:, -1:]], axis=1)

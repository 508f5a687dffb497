"""Images resized by their short side, with one or three channels."""

import numpy as np
from PIL import Image


def resized_sizes(sizes, channels, short_side):
    """`(H, W, C)` of each image after `convert`, int64 `[N, 3]`.

    Args:
        sizes: `(H, W, C)` of each before.
        channels: 1 or 3.
        short_side: Pixels; `None` leaves sizes as they are.
    """
    sizes = np.array(sizes, dtype="int64")
    sizes[:, 2] = channels
    if short_side is not None:
        scale = short_side / sizes[:, :2].min(axis=1, keepdims=True)
        sizes[:, :2] = np.round(sizes[:, :2] * scale)
    return sizes


def convert(array, channels, short_side):
    """Resizes an image's short side and gives it one or three channels.

    Args:
        array: `[H, W, C]`, uint8 or uint16.
        channels: 1 or 3.
        short_side: Pixels; `None` leaves the size as it is.

    Returns:
        An array of the same dtype.
    """
    if array.shape[2] == 3 and channels == 1:
        array = np.asarray(Image.fromarray(array).convert("L"))[..., None]
    if short_side is not None and min(array.shape[:2]) != short_side:
        height, width = resized_sizes([array.shape], channels, short_side)[0, :2]
        if array.dtype == np.uint8:
            image = Image.fromarray(array if array.shape[2] == 3 else array[..., 0])
            resized = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
            array = np.asarray(resized).reshape(height, width, array.shape[2])
        else:
            planes = [_resize_wide(array[..., c], width, height) for c in range(array.shape[2])]
            array = np.stack(planes, axis=-1)
    if array.shape[2] == 1 and channels == 3:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array)


def _resize_wide(plane, width, height):
    """Resizes a 16-bit plane by way of float: Pillow has no 16-bit filter."""
    wide = Image.fromarray(plane.astype("float32"))
    resized = np.asarray(wide.resize((width, height), Image.Resampling.BICUBIC))
    return np.clip(np.round(resized), 0, 65535).astype("uint16")

"""Images as small pictures inside a page."""

import base64
import io

import numpy as np
from PIL import Image

from cpc_keras.data.image_set import to_float


def thumbnail(image, side):
    """An image as a `data:` address, no larger than a side.

    Args:
        image: Array `[H, W, C]`, of integers, or of floats in `[0, 1]`; `C` is 1 or 3.
        side: The longer side in pixels at most.

    Returns:
        Text: a PNG where the image is small, a JPEG where it was made smaller.

    Example:

    >>> thumbnail(np.zeros((4, 4, 1), "uint8"), side=96)[:22]
    'data:image/png;base64,'
    """
    picture = to_picture(image)
    small = max(picture.size) <= side
    if not small:
        picture.thumbnail((side, side))
    kind, options = ("PNG", {"optimize": True}) if small and side <= 128 else ("JPEG", {"quality": 85})
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def to_picture(image):
    """An image as a `PIL.Image.Image` of 8 bits."""
    values = np.round(255 * to_float(np.asarray(image))).astype("uint8")
    return Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)

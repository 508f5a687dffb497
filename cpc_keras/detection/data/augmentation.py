"""Images that are resized, mirrored and turned with their boxes, or seen in another light."""

import numpy as np

from cpc_keras.data.resize import convert

# At full strength: the largest relative change of a channel, of contrast and of saturation, and that of brightness.
_GAIN, _CONTRAST, _SATURATION, _BRIGHTNESS = 0.3, 0.5, 0.5, 0.2
# Random numbers that a change of colours takes: three channels and the three others.
COLOR_DRAWS = 6


def short_side_of(size, short_side=None, max_side=None):
    """How long the short side of an image becomes.

    Args:
        size: Height and width in pixels, whatever else may follow.
        short_side: Pixels, or `None` for its own.
        max_side: Pixels that the long side is held to, or `None`.

    Example:

    >>> short_side_of((375, 500), 600), short_side_of((375, 1000), 600, max_side=1000)
    (600, 375)
    """
    shorter, longer = sorted(size[:2])
    short = shorter if short_side is None else short_side
    return short if max_side is None else min(short, max(1, int(max_side * shorter / longer)))


def resized(image, short_side, max_side=None):
    """An image whose short side is `short_side` pixels, or less if the long one would exceed `max_side`.

    Args:
        image: Array `[H, W, C]`, uint8 or uint16.
        short_side: Pixels, or `None` for its own.
        max_side: Pixels, or `None`.

    Returns:
        `(image, scale)`: what boxes are to be multiplied by is a float32 array `[4]`.

    Example:

    >>> image, scale = resized(np.zeros((50, 100, 3), "uint8"), 60, max_side=100)
    >>> image.shape, scale.tolist()
    ((50, 100, 3), [1.0, 1.0, 1.0, 1.0])
    """
    before = image.shape
    image = convert(image, image.shape[2], short_side_of(before, short_side, max_side))
    height, width = (image.shape[axis] / before[axis] for axis in (0, 1))
    return image, np.array([width, height, width, height], "float32")


def mirrored(image, boxes):
    """An image and its boxes, left to right.

    Example:

    >>> mirrored(np.zeros((5, 10, 1)), np.array([[1.0, 2.0, 4.0, 5.0]]))[1].tolist()
    [[6.0, 2.0, 9.0, 5.0]]
    """
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    width = image.shape[1]
    return np.ascontiguousarray(image[:, ::-1]), np.stack([width - right, top, width - left, bottom], axis=-1)


def quarter_turned(image, boxes):
    """An image and its boxes, turned counterclockwise by a right angle.

    Example:

    >>> quarter_turned(np.zeros((5, 10, 1)), np.array([[1.0, 2.0, 4.0, 5.0]]))[1].tolist()
    [[2.0, 6.0, 5.0, 9.0]]
    """
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    width = image.shape[1]
    return np.ascontiguousarray(np.rot90(image)), np.stack([top, width - right, bottom, width - left], axis=-1)


def color_jittered(image, strength, draws):
    """An image as another camera, sun or season would show it: white balance, saturation, contrast, brightness.

    Args:
        image: Float array `[H, W, C]` in `[0, 1]`.
        strength: 0 changes nothing; at 1 a channel changes by 30 % at most, contrast
            and saturation by half, brightness by 0.2.
        draws: `COLOR_DRAWS` numbers in `[0, 1)`.

    Returns:
        Float32 array of the same shape, clipped to `[0, 1]`.

    Example:

    >>> grey = np.full((1, 1, 3), 0.5)
    >>> [round(float(value), 2) for value in color_jittered(grey, 1.0, [1.0, 0.0, 0.5, 0.5, 0.5, 0.5])[0, 0]]
    [0.65, 0.35, 0.5]
    """
    change = strength * (2.0 * np.asarray(draws) - 1.0)
    image = image * (1.0 + _GAIN * change[: image.shape[2]])
    grey = image.mean(axis=2, keepdims=True)
    image = grey + (image - grey) * (1.0 + _SATURATION * change[3])
    mean = image.mean(axis=(0, 1))
    image = mean + (image - mean) * (1.0 + _CONTRAST * change[4]) + _BRIGHTNESS * change[5]
    return np.clip(image, 0.0, 1.0).astype("float32")

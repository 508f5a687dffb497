"""What is wrong with images, said before a model is trained on them."""

import warnings

import numpy as np

# Images of an array that are looked at, and how far from [0, 1] their values may be: resizing goes a little beyond.
_LOOKED_AT, _LOWEST, _HIGHEST = 64, -0.25, 1.5


def check_shape(shape, channels=None):
    """Raises `ValueError` unless a shape is that of images of so many channels.

    Args:
        shape: Of a batch.
        channels: What it must end in; any number if `None`.

    Example:

    >>> check_shape((32, 28, 28, 1), channels=1)
    >>> check_shape((32, 28, 28))
    Traceback (most recent call last):
    ValueError: `images` must be [B, H, W, C], grey ones [B, H, W, 1]. Received: shape (32, 28, 28)
    """
    if len(shape) != 4:
        raise ValueError(f"`images` must be [B, H, W, C], grey ones [B, H, W, 1]. Received: shape {tuple(shape)}")
    if None not in (channels, shape[-1]) and shape[-1] != channels:
        raise ValueError(
            f"`images` must have as many channels as the encoder takes, {channels}. Received: shape {tuple(shape)}"
        )


def check_training_images(images, channels=None):
    """The same of what `fit` is given, with a warning where values lie outside of `[0, 1]`.

    Args:
        images: An array, whose first images are looked at, or a `tf.data.Dataset`, of
            which only shape and dtype are known beforehand; anything else passes.
        channels: As for `check_shape`.

    Raises:
        ValueError: As `check_shape`.
    """
    known = getattr(images, "element_spec", images)
    known = known[0] if isinstance(known, tuple) and known else known
    shape, dtype = getattr(known, "shape", None), getattr(known, "dtype", None)
    if shape is None or dtype is None or getattr(shape, "rank", 0) is None:
        return
    check_shape(shape, channels)
    if known is images:
        seen = np.asarray(images[:_LOOKED_AT], "float32")
        if seen.size and not (seen.min() >= _LOWEST and seen.max() <= _HIGHEST):
            _warn(f"values from {seen.min():g} to {seen.max():g}")
    elif "int" in str(dtype):
        _warn(f"values of {np.dtype(getattr(dtype, 'as_numpy_dtype', dtype)).name}")


def _warn(received):
    warnings.warn(
        f"`images` should lie in [0, 1]: divide those of bytes by 255. Received: {received}", UserWarning, stacklevel=4
    )

"""Image files of any common kind, decoded to arrays."""

import warnings

import numpy as np
from PIL import Image, ImageOps, features

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif") + ((".webp",) if features.check("webp") else ())
# Above this a file is more likely a mistake or an attack than a photograph.
MAX_PIXELS = 100_000_000
_SIXTEEN_BIT_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def read_size(path):
    """Width, height and channels of an image file, from its header alone.

    Args:
        path: An image file.

    Returns:
        `(height, width, channels)` as `read_image` would give them: after EXIF
        rotation, one channel for grey files and three for all others.

    Raises:
        OSError: If the file is not an image or cannot be read.
        ValueError: If it has more than `MAX_PIXELS` pixels.
    """
    with _opened(path) as image:
        width, height = image.size
        if image.getexif().get(0x0112, 1) >= 5:  # orientations 5 to 8 swap the sides
            width, height = height, width
        return height, width, 1 if _is_grey(image) else 3


def read_image(path):
    """Decodes one image file.

    JPEG, PNG, BMP, the first frame of a GIF, and WebP. The EXIF orientation is
    applied, palettes are resolved, transparency is laid over white.

    Args:
        path: An image file.

    Returns:
        Array `[H, W, 1]` for grey files, `[H, W, 3]` otherwise; uint8, or uint16
        for grey files of 16 bits.

    Raises:
        OSError: If the file is not an image, is truncated or cannot be read.
        ValueError: If it has more than `MAX_PIXELS` pixels.

    Example:

    >>> import tempfile, numpy as np
    >>> from PIL import Image
    >>> with tempfile.NamedTemporaryFile(suffix=".png") as file:
    ...     Image.fromarray(np.zeros((4, 6, 3), "uint8")).save(file.name)
    ...     read_image(file.name).shape
    (4, 6, 3)
    """
    with _opened(path) as image:
        try:
            image = ImageOps.exif_transpose(image)
            return _to_array(image)
        except (SyntaxError, EOFError, IndexError, ValueError) as error:
            # Pillow's decoders raise these, besides OSError, on damaged files.
            raise OSError(f"cannot be decoded ({error})") from error


def _opened(path):
    with warnings.catch_warnings():
        # Pillow warns at a limit of its own; ours is checked below.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            image = Image.open(path)
        except Image.DecompressionBombError as error:
            raise ValueError(f"is larger than {MAX_PIXELS:,} pixels") from error
        except (SyntaxError, EOFError) as error:
            raise OSError(f"cannot be decoded ({error})") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        image.close()
        raise ValueError(f"has {width} × {height} pixels, more than {MAX_PIXELS:,}")
    return image


def _is_grey(image):
    return image.mode in ("1", "L", "LA", "F", *_SIXTEEN_BIT_MODES) and (
        "transparency" not in image.info or image.mode != "P"
    )


def _to_array(image):
    if image.mode in _SIXTEEN_BIT_MODES:
        # `convert("L")` would clip these at 255.
        return np.clip(np.asarray(image), 0, 65535).astype("uint16")[..., None]
    grey = _is_grey(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    array = np.asarray(image.convert("L" if grey else "RGB"))
    return array[..., None] if grey else array

"""The one reader of images: whatever Pillow decodes becomes an array by one rule.

Images of gray (Pillow's modes 1, L, LA, I;16, I and F) have one channel, all others three. Bits and bytes become uint8;
gray of more bits becomes uint16, and so do floating-point numbers, see `read_image`. A palette is resolved, CMYK, Lab
and the like become RGB, transparency is laid over white, of several frames the first is taken, and the picture is
turned as its EXIF orientation says.
"""

import contextlib
import io
import threading
import warnings

import numpy as np
from PIL import Image

from cpc_keras.errors import first_line

# Above this a file is more likely a mistake or an attack than a photograph. Where images are cut into tiles, larger
# ones are read as long as their file is not absurdly small for what it unpacks to.
MAX_PIXELS = 100_000_000
MAX_TILED_PIXELS = 4_000_000_000
_MOST_PIXELS_A_BYTE = 100

_GRAY = ("1", "L", "LA", "La", "F", "I", "I;16", "I;16B", "I;16L", "I;16N")
_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")
# Tags of EXIF, and of TIFF (SMinSampleValue, SMaxSampleValue).
_ORIENTATION, _RANGE = 0x0112, (340, 341)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_size(path, max_pixels=MAX_PIXELS):
    """Height, width and channels of an image file, from its header alone.

    Args:
        path: An image file.
        max_pixels: How many pixels it may have.

    Returns:
        `(height, width, channels)` as of what `read_image` gives.

    Raises:
        OSError: If the file is not an image or cannot be read.
        ValueError: If it has more pixels than it may have.
    """
    with _opened(path, max_pixels) as image:
        width, height = image.size
        if _orientation(image) >= 5:  # these swap the sides
            width, height = height, width
        return height, width, 1 if image.mode in _GRAY else 3


def read_orientation(path):
    """How the stored pixels of an image file are to be turned, 1 (not at all) to 8, as EXIF has it.

    Raises:
        OSError: As `read_size`.
        ValueError: As `read_size`.
    """
    with _opened(path, MAX_TILED_PIXELS) as image:
        return _orientation(image)


def read_image(path, max_pixels=MAX_PIXELS):
    """Decodes one image file, of whatever format Pillow has a decoder for.

    The range of floating-point numbers is what the file states (TIFF's
    SMinSampleValue and SMaxSampleValue), or else the narrowest of [0, 1], [0, 255] and
    [0, 65535] that holds them. Integers of more than 8 bits are taken as they are.

    Args:
        path: An image file.
        max_pixels: How many pixels it may have.

    Returns:
        Array `[H, W, 1]` for gray files, `[H, W, 3]` otherwise: uint8, or uint16 for
        gray of more than 8 bits.

    Raises:
        OSError: If the file is not an image, is truncated or cannot be read.
        ValueError: If it has more pixels than it may have, or values that are no
            brightness: negative, beyond 16 bits, or no numbers.

    Example:

    >>> import tempfile, numpy as np
    >>> from PIL import Image
    >>> with tempfile.NamedTemporaryFile(suffix=".png") as file:
    ...     Image.fromarray(np.zeros((4, 6, 3), "uint8")).save(file.name)
    ...     read_image(file.name).shape
    (4, 6, 3)
    """
    with _opened(path, max_pixels) as image:
        # Before the pixels are read: what stands behind them is not known to `read_size`.
        orientation = _orientation(image)
        with _decoding():
            image.load()
            plain = _plain(image)
            if orientation in _TURNS:
                plain = plain.transpose(_TURNS[orientation])
        return _to_array(plain, _stated_range(image))


@contextlib.contextmanager
def _opened(path, max_pixels):
    with _no_warnings(), open(path, "rb") as file:
        bytes_there = file.seek(0, io.SEEK_END)
        file.seek(0)
        with _decoding():
            image = _open_any_size(file)
        with image:
            width, height = image.size
            if width * height > max_pixels:
                raise ValueError(f"has {width} × {height} pixels, more than {max_pixels:,}")
            if width * height > max(MAX_PIXELS, _MOST_PIXELS_A_BYTE * bytes_there):
                raise ValueError(f"has {width} × {height} pixels in {bytes_there:,} bytes, which no photograph has")
            yield image


_lifted = threading.Lock()


def _open_any_size(file):
    """Pillow refuses what is twice its own limit; ours is another."""
    try:
        return Image.open(file)
    except Image.DecompressionBombError:
        file.seek(0)
        with _lifted:
            limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                return Image.open(file)
            finally:
                Image.MAX_IMAGE_PIXELS = limit


@contextlib.contextmanager
def _decoding():
    """A damaged file makes Pillow's decoders raise nearly anything."""
    try:
        yield
    except Image.UnidentifiedImageError as error:
        raise OSError("is not an image") from error
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise OSError(f"cannot be decoded ({first_line(error)})") from error


class _NoWarnings:
    """Keeps to itself what Pillow warns of; `warnings.catch_warnings` alone is not safe among threads."""

    def __init__(self):
        self.lock, self.inside, self.caught = threading.Lock(), 0, contextlib.ExitStack()

    @contextlib.contextmanager
    def __call__(self):
        with self.lock:
            self.inside += 1
            if self.inside == 1:
                self.caught.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")
        try:
            yield
        finally:
            with self.lock:
                self.inside -= 1
                if self.inside == 0:
                    self.caught.close()


_no_warnings = _NoWarnings()


def _orientation(image):
    """1 to 8, as EXIF has it; 1 where it says something else or cannot be read."""
    try:
        # PNG's own method would decode the whole image to see what stands behind the pixels.
        value = Image.Image.getexif(image).get(_ORIENTATION)
    except Exception:  # whatever a broken block makes of it, the pixels may be whole
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def _plain(image):
    """In one of the modes L, RGB, F and those of more than 8 bits."""
    if image.mode == "F" or image.mode in _DEEP:
        return image  # `convert("L")` would clip them at 255
    mode = "L" if image.mode in _GRAY else "RGB"
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert(mode)


def _to_array(image, stated_range):
    array = np.asarray(image)
    if image.mode == "RGB":
        return array
    if image.mode == "F":
        array = _from_float(array, stated_range)
    elif image.mode != "L":
        array = _within_16_bits(array)
    return array[..., None]


def _within_16_bits(values):
    low, high = values.min(), values.max()
    if low < 0 or high > 65535:
        raise ValueError(f"has values from {low} to {high}, of which 16 bits hold those from 0 to 65535")
    return values.astype("uint16")


def _from_float(values, stated_range):
    low, high = float(values.min()), float(values.max())  # a NaN makes both one
    first, last = stated_range or (0.0, next((most for most in (1.0, 255.0, 65535.0) if high <= most), low))
    if not first <= low <= high <= last:
        raise ValueError(f"has floating-point values from {low:g} to {high:g}, whose range is not known")
    return np.round((values - first) * (65535.0 / (last - first))).astype("uint16")


def _stated_range(image):
    """What a TIFF file says of its smallest and largest value; `None` if it says nothing."""
    low, high = (_number(getattr(image, "tag_v2", {}).get(tag)) for tag in _RANGE)
    return (low, high) if low is not None and high is not None and low < high else None


def _number(value):
    value = value[0] if isinstance(value, tuple) and value else value
    return float(value) if isinstance(value, int | float) else None

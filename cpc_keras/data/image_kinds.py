"""Which files are images: by their ending, or where that says nothing by their first bytes."""

import functools
import mimetypes
import pathlib

from PIL import Image

# Pillow knows these by name and has no decoder, or hands them to another program.
_NO_DECODER = ("BUFR", "EPS", "GRIB", "HDF5", "MPEG", "PDF", "WMF")
# Formats that begin with bytes of their own, by which a file without a telling name is found.
_BY_CONTENT = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PSD", "QOI")
_FIRST_BYTES = 32
# Containers of a camera's raw data begin as TIFF does; what Pillow finds in them is a thumbnail.
_RAW = (
    *(".3fr", ".arw", ".cr2", ".crw", ".dng", ".erf", ".iiq", ".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw"),
    *(".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)


@functools.cache
def endings():
    """Endings of the files that Pillow decodes here, such as `".png"`.

    Example:

    >>> {".jpg", ".jfif", ".png", ".tif", ".webp"} <= endings()
    True
    """
    Image.init()
    decoded = set(Image.OPEN) - set(_NO_DECODER)
    return frozenset(ending for ending, kind in Image.registered_extensions().items() if kind in decoded) - set(_RAW)


def is_image(path):
    """Whether a file is to be read as an image: by its ending, or where that says nothing by its first bytes.

    Args:
        path: A file.

    Raises:
        OSError: If it has to be opened and cannot be.

    Example:

    >>> is_image("flower.JPG"), is_image("notes.txt")
    (True, False)
    """
    ending = pathlib.PurePath(path).suffix.lower()
    if ending in endings():
        return True
    if ending in _RAW or not _says_nothing(ending):
        return False
    with open(path, "rb") as file:
        begin = file.read(_FIRST_BYTES)
    return any(_accepts(kind, begin) for kind in _BY_CONTENT if kind in Image.OPEN)


def _says_nothing(ending):
    kind = _kinds().guess_type(f"a{ending}", strict=False)[0]
    return kind is None or kind == "application/octet-stream" or kind.startswith("image/")


@functools.cache
def _kinds():
    return mimetypes.MimeTypes()


def _accepts(kind, begin):
    accept = Image.OPEN[kind][1]
    return accept is not None and accept(begin) is True  # a text says what Pillow was built without

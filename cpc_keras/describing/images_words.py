"""Images in a line."""

from cpc_keras.errors import printable


def images_words(images, sizes):
    """Where images are from, how many there are, and their sizes.

    Args:
        images: An `ImageSet`.
        sizes: Height and width as they were found, in the first two columns.

    Example:

    >>> import numpy as np
    >>> from cpc_keras.data.image_set import ImageSet
    >>> sizes = np.array([[40, 48, 3], [60, 48, 3]])
    >>> print(images_words(ImageSet("dir:mine", "all", ["1.png", "2.png"], None, sizes), sizes))
    dir:mine: 2 images (all), 40–60 × 48 px
    """
    height, width = (_range(sizes[:, axis]) for axis in (0, 1))
    return f"{printable(images.name)}: {len(images):,} images ({images.split}), {height} × {width} px"


def bad_files_note(images):
    """How many files cannot be read, and the first, as a list of one sentence; empty where all can.

    Args:
        images: An `ImageSet`, as opened.
    """
    if not images.bad_files:
        return []
    first = images.bad_files[0]
    return [f"Files that cannot be read: {len(images.bad_files):,}, the first {first.path} ({first.reason})."]


def _range(sides):
    low, high = sides.min(), sides.max()
    return f"{low}" if low == high else f"{low}–{high}"

"""A set of images with random access, wherever they come from."""

import dataclasses
import functools
import os
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from cpc_keras.backend.resources import free_memory
from cpc_keras.data.folders import BadFile, plain_reason
from cpc_keras.data.threads import map_in_pieces
from cpc_keras.errors import InputError
from cpc_keras.progress import NoProgress
from cpc_keras.storage import digests

# Share of the free memory that decoded images may take; the rest of the time
# they are decoded anew.
_CACHE_SHARE = 0.25
# Images that a thread decodes in a row.
_PIECE = 16
# By which an image is enlarged at most.
_LARGEST_FACTOR = 4
# Bad files that a message names.
_NAMED = 3


@dataclasses.dataclass
class ImageSet:
    """Images by position.

    Attributes:
        name: The source string it was opened from.
        split: Name of the split.
        ids: One string per image: its path, or its position in a TFDS split.
        read: Function from a position to an array `[H, W, C]`, uint8 or uint16.
        sizes: `(H, W, C)` of each image.
        labels: Integer array `[N]`, or `None` if there are no labels.
        class_names: Names by label, or `None`.
        bad_files: Files that could not be used.
        verified: Whether every image is known to decode, as in a prepared
            data set.
        notes: What the user should know about the source, in sentences.
        confirm: Function that is told the positions of images which have been
            decoded, so that another command need not; or `None`.
    """

    name: str
    split: str
    ids: Sequence[str]
    read: Callable[[int], np.ndarray]
    sizes: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    bad_files: list[BadFile] = dataclasses.field(default_factory=list)
    verified: bool = False
    notes: list[str] = dataclasses.field(default_factory=list)
    confirm: Callable[[np.ndarray], None] | None = None

    def __len__(self):
        return len(self.ids)

    @functools.cached_property
    def fingerprint(self):
        """SHA-256 of what the images are known by: names, sizes, and of files when they were written."""
        sides = map(tuple, np.asarray(self.sizes).tolist())
        lines = (f"{one}\t{size}\t{_status(one, 'st_mtime_ns')}" for one, size in zip(self.ids, sides, strict=True))
        return digests.of_lines(lines)

    @property
    def contents(self):
        """What there is, as JSON keeps it: equal for the same images in another place, or copied."""
        folder = os.path.commonpath(map(os.path.dirname, self.ids)) if len(self.ids) else ""
        sides = map(tuple, np.asarray(self.sizes).tolist())
        lines = (
            f"{one[len(folder) :]}\t{size}\t{_status(one, 'st_size')}"
            for one, size in zip(self.ids, sides, strict=True)
        )
        return {"count": len(self), "sha256": digests.of_lines(lines)}

    @property
    def channels(self):
        """1 if every image is grey, else 3."""
        return 1 if np.all(self.sizes[:, 2] == 1) else 3

    def subset(self, positions):
        """The images at `positions`, in that order."""
        positions = np.asarray(positions)
        read, confirm = self.read, self.confirm
        return dataclasses.replace(
            self,
            ids=[self.ids[i] for i in positions],
            read=lambda i: read(int(positions[i])),
            sizes=self.sizes[positions],
            confirm=(lambda decoded: confirm(positions[decoded])) if confirm else None,
            labels=None if self.labels is None else self.labels[positions],
        )


def _status(path, field):
    """A number of a file's; nothing where there is no such file."""
    try:
        return getattr(os.stat(path), field)
    except OSError:  # not a file: a name in a data set
        return ""


def to_float(array):
    """Scales an image of integers to float32 in `[0, 1]`.

    Example:

    >>> import numpy as np
    >>> float(to_float(np.array([65535], "uint16"))[0])
    1.0
    """
    if array.dtype.kind == "f":
        return array.astype("float32")  # in [0, 1] already
    return array.astype("float32") / np.iinfo(array.dtype).max


def from_arrays(images, labels=None, class_names=None, name="arrays"):
    """Arrays in memory as a set of images.

    Args:
        images: `[N, H, W, C]`, uint8, uint16, or float in `[0, 1]`.
        labels: Integer `[N]`, or `None`.
        class_names: Names by label; numbers if `None`.
        name: What messages call it.

    Returns:
        An `ImageSet`.

    Raises:
        InputError: If the shapes do not fit.

    Example:

    >>> import numpy as np
    >>> from_arrays(np.zeros((2, 8, 8, 1), "uint8"), [0, 1]).class_names
    ('0', '1')
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise InputError(f"`images` must be [N, H, W, C] with 1 or 3 channels. Received: shape {images.shape}")
    if labels is not None:
        labels = np.asarray(labels)
        if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or (len(labels) and labels.min() < 0):
            raise InputError(
                f"`labels` must be {len(images)} integers from 0 on. Received: {labels.dtype} of shape {labels.shape}"
            )
        class_names = class_names or tuple(str(label) for label in range(labels.max() + 1))
    sizes = np.tile(np.array(images.shape[1:]), (len(images), 1))
    ids = [digests.of_array(image)[:16] + f"-{index}" for index, image in enumerate(images)]
    return ImageSet(name, "all", ids, images.__getitem__, sizes, labels, class_names, verified=True)


def as_image_set(data):
    """An `ImageSet` as it is; `(images, labels)` or images alone as one, see `from_arrays`."""
    if isinstance(data, ImageSet):
        return data
    return from_arrays(*data) if isinstance(data, tuple) else from_arrays(data)


def prepare(images, channels, short_side=None, max_bad_share=0.1, progress=None):
    """Decodes every image once, converts and resizes it, and keeps what fits.

    Images that cannot be decoded are left out and listed in `bad_files`. The
    decoded images stay in memory if they take at most a quarter of what is
    free; otherwise they are decoded again when asked for, and so are they if
    memory runs out after all. A verified set is decoded when it is asked for.

    Args:
        images: An `ImageSet`.
        channels: 1 or 3: what every image is converted to.
        short_side: Length in pixels to which the shorter side is resized;
            `None` leaves sizes as they are.
        max_bad_share: Largest share of bad files that is put up with.
        progress: Hears how far it is, as `cpc_keras.progress.NoProgress`.

    Returns:
        An `ImageSet` of the good images.

    Raises:
        InputError: If more than `max_bad_share` of the files are bad, or all.
    """
    sizes = _prepared_sizes(images.sizes, channels, short_side)
    cached = sizes.prod(axis=1).sum() <= _CACHE_SHARE * free_memory()

    def load(position):
        return convert(images.read(position), channels, short_side)

    if images.verified:
        return dataclasses.replace(images, sizes=sizes, read=_Kept(load, len(images)) if cached else load)

    store, shapes, reasons, again = {}, {}, {}, []

    def attempt(position):
        try:
            array = load(position)
        except (OSError, ValueError, MemoryError) as error:
            return position, None, error
        return position, array if cached else array.shape, None

    def settle(position, result, error):
        if error is not None:
            reasons[position] = plain_reason(error)
        else:
            shapes[position] = getattr(result, "shape", result)
            if cached:
                store[position] = result

    progress = progress or NoProgress()
    progress.start("Decoding images", len(images))
    for position, result, error in map_in_pieces(attempt, len(images), _PIECE):
        progress.advance()
        if lacks_memory(error):
            cached = False
            store.clear()
            again.append(position)
        else:
            settle(position, result, error)
    for position in again:  # one at a time, and nothing is kept: what fails now is too large by itself
        settle(*attempt(position))
    good = sorted(shapes)
    bad = [*images.bad_files, *(BadFile(images.ids[position], reasons[position]) for position in sorted(reasons))]
    check_bad_share(images.name, len(good), bad, max_bad_share)
    if images.confirm:
        images.confirm(np.array(good))
    kept = images.subset(good)
    kept.bad_files = bad
    kept.sizes = np.array([shapes[position] for position in good])
    kept.read = (lambda i: store[good[i]]) if cached else (lambda i: load(good[i]))
    return kept


class _Kept:
    """Keeps what a function of a position has given."""

    def __init__(self, load, count):
        self.load, self.store = load, [None] * count

    def __call__(self, position):
        if self.store[position] is None:
            self.store[position] = self.load(position)
        return self.store[position]


def without_tiny(images, side, max_bad_share=0.1):
    """Images but for those that would have to be blown up more than fourfold, which are bad files.

    Args:
        images: An `ImageSet`.
        side: Pixels that the shorter side is to have, of a crop say.
        max_bad_share: Largest share of bad files that is put up with.

    Raises:
        InputError: If more than `max_bad_share` of the files are bad, or all.
    """
    tiny = np.flatnonzero(is_tiny(images.sizes.T, side))
    if not len(tiny):
        return images
    bad = [
        BadFile(images.ids[position], f"has {height} × {width} px, far below the {side} px that are needed")
        for position in tiny
        for height, width, _ in [images.sizes[position]]
    ]
    kept = images.subset(np.setdiff1d(np.arange(len(images)), tiny))
    kept.bad_files = images.bad_files + bad
    check_bad_share(images.name, len(kept), kept.bad_files, max_bad_share)
    return kept


def lacks_memory(error):
    """Whether an image could not be read for want of memory; Pillow's decoders have a code for that.

    Example:

    >>> lacks_memory(MemoryError()), lacks_memory(OSError("out of memory when reading image file"))
    (True, True)
    >>> lacks_memory(OSError("broken data stream when reading image file"))
    False
    """
    return isinstance(error, MemoryError) or "out of memory" in str(error)


def is_tiny(size, side):
    """Whether an image would have to be enlarged more than fourfold.

    Args:
        size: `(height, width, …)`, numbers or arrays of them.
        side: Pixels that the shorter side is to have.

    Example:

    >>> bool(is_tiny((1, 4000, 3), 28)), bool(is_tiny((20, 30, 3), 28))
    (True, False)
    """
    return _LARGEST_FACTOR * np.minimum(size[0], size[1]) < side


def check_bad_share(name, good, bad, max_bad_share):
    """Raises `InputError` if too many files of a source are bad."""
    if not good or len(bad) > max_bad_share * (good + len(bad)):
        first = "; ".join(f"{file.path}: {file.reason}" for file in bad[:_NAMED])
        first = f", such as {first}" if bad else ""
        share = f"be readable but for a share of {max_bad_share:g} (`max_bad_share`)"
        raise InputError(
            f"`data` must {share if max_bad_share < 1 else 'hold an image that can be read'}. "
            f"Received: {name} with {len(bad):,} bad files of {good + len(bad):,}{first}"
        )


def _prepared_sizes(sizes, channels, short_side):
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
        height, width = _prepared_sizes([array.shape], channels, short_side)[0, :2]
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

"""A set of images with random access, wherever they come from."""

import dataclasses
import functools
import os
from collections.abc import Callable, Sequence

import numpy as np

from cpc_keras.data.bad_files import BadFile
from cpc_keras.errors import InputError
from cpc_keras.storage import digests


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
        begin = os.path.commonprefix(self.ids)  # noqa: RUF071  (it is cut at a slash)
        folder = begin[: begin.rfind("/") + 1]
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


def joined(first, second):
    """The images of two sets one after the other, without labels.

    Example:

    >>> import numpy as np
    >>> both = joined(from_arrays(np.zeros((2, 8, 8, 1), "uint8")), from_arrays(np.ones((1, 8, 8, 1), "uint8")))
    >>> len(both), both.read(2).max().item()
    (3, 1)
    """
    count = len(first)
    return ImageSet(
        first.name,
        first.split,
        [*first.ids, *second.ids],
        lambda position: first.read(position) if position < count else second.read(position - count),
        np.concatenate([first.sizes, second.sizes]),
        verified=first.verified and second.verified,
    )


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

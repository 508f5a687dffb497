"""Garments on a canvas: a detection data set composed from Fashion-MNIST."""

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from cpc_keras.data.builders import fashion_mnist

# Pixels of a canvas' side, and canvases by split.
CANVAS = 96
CANVASES = {"train": 2000, "test": 1000}
# How many garments a canvas shows, and how large a garment's 28 px become.
_GARMENTS, _SCALES = (1, 4), (0.7, 1.4)
# Pieces of other garments that lie about, and their side in pixels.
_SCRAPS, _SCRAP_SIDES = (3, 8), (5, 12)
# Brightness from which on a pixel belongs to a garment.
_VISIBLE = 16
# Share of a box that another may cover.
_COVERED = 0.25


def compose(images, labels, rng):
    """One canvas.

    Garments are mirrored, scaled and put where none covers much of another;
    scraps are cut out of further garments. Where things meet the brighter pixel
    shows. A box is the smallest around a garment's visible pixels.

    Args:
        images: Uint8 array `[N, 28, 28]`.
        labels: Classes `[N]`.
        rng: A `numpy.random.Generator`.

    Returns:
        `(canvas, boxes, classes)`: uint8 `[CANVAS, CANVAS, 1]`; int64 `[M, 4]`, left,
        top, right and bottom edge in pixels; int64 `[M]`.
    """
    canvas = np.zeros((CANVAS, CANVAS), "uint8")
    for _ in range(rng.integers(_SCRAPS[0], _SCRAPS[1] + 1)):
        height, width = rng.integers(_SCRAP_SIDES[0], _SCRAP_SIDES[1] + 1, 2)
        top, left = rng.integers(4, 28 - 4 - height), rng.integers(4, 28 - 4 - width)
        _lay(canvas, images[rng.integers(len(images))][top : top + height, left : left + width], rng)
    boxes: list[tuple] = []
    classes: list[int] = []
    for _ in range(rng.integers(_GARMENTS[0], _GARMENTS[1] + 1)):
        index = rng.integers(len(images))
        side = round(28 * rng.uniform(*_SCALES))
        scaled = Image.fromarray(images[index]).resize((side, side), Image.Resampling.BICUBIC)
        garment = np.asarray(scaled)[:, :: rng.choice((-1, 1))]
        rows, cols = (np.flatnonzero((garment >= _VISIBLE).any(axis=axis)) for axis in (1, 0))
        garment = garment[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        place = _free_place(garment.shape, boxes, rng)
        if place is not None:
            boxes.append(_lay(canvas, garment, rng, place))
            classes.append(int(labels[index]))
    return canvas[..., None], np.array(boxes, "int64").reshape(-1, 4), np.array(classes, "int64")


def _lay(canvas, piece, rng, place=None):
    """Lays a piece on the canvas and says where."""
    height, width = piece.shape
    left, top = (rng.integers(0, CANVAS - width + 1), rng.integers(0, CANVAS - height + 1)) if place is None else place
    under = canvas[top : top + height, left : left + width]
    np.maximum(under, piece, out=under)
    return left, top, left + width, top + height


def _free_place(shape, boxes, rng):
    """Left and upper edge for a piece that covers little of what is there; `None` if none is found."""
    height, width = shape
    for _ in range(20):
        left, top = rng.integers(0, CANVAS - width + 1), rng.integers(0, CANVAS - height + 1)
        if all(_covers((left, top, left + width, top + height), box) <= _COVERED for box in boxes):
            return left, top
    return None


def _covers(one, other):
    """The shared area, as a share of the smaller box."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return max(width, 0) * max(height, 0) / smaller


class Garments(tfds.core.GeneratorBasedBuilder):
    """Canvases of 96 × 96 px with one to four garments of Fashion-MNIST and scraps of others.

    It is composed, not photographed: boxes are exact, and there are as many images
    as one likes. Canvases for training show training images, those for testing
    test images.
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return self.dataset_info_from_configs(
            description="Garments of Fashion-MNIST (Xiao et al. 2017, arXiv 1708.07747), composed on a canvas.",
            homepage="https://github.com/zalandoresearch/fashion-mnist",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(CANVAS, CANVAS, 1)),
                    "objects": tfds.features.Sequence(
                        {
                            "bbox": tfds.features.BBoxFeature(),
                            "label": tfds.features.ClassLabel(names=list(fashion_mnist.CLASS_NAMES)),
                        }
                    ),
                }
            ),
        )

    def _split_generators(self, dl_manager):
        del dl_manager  # nothing is downloaded
        return {split: self._generate_examples(split) for split in CANVASES}

    def _generate_examples(self, split):
        images, labels = fashion_mnist.images_and_labels(split)
        for index in range(CANVASES[split]):
            rng = np.random.default_rng([list(CANVASES).index(split), index])
            canvas, boxes, classes = compose(images, labels, rng)
            shares = boxes / CANVAS
            objects = [
                {"bbox": tfds.features.BBox(ymin=top, xmin=left, ymax=bottom, xmax=right), "label": int(label)}
                for (left, top, right, bottom), label in zip(shares, classes, strict=True)
            ]
            yield index, {"image": canvas, "objects": objects}

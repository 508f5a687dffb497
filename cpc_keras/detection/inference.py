"""Finding objects on images, and on the tiles of large ones."""

import numpy as np
import tensorflow as tf

from cpc_keras.data.image_set import to_float
from cpc_keras.detection.data.augmentation import resized
from cpc_keras.detection.proposals import detect
from cpc_keras.progress import NoProgress

# Pixels from a tile's edge within which a box is taken to be cut by it.
_CUT = 2.0


def find_objects(detector, boxed, short_side=None, max_side=None, batch_size=8, progress=None):
    """What a detector finds on images.

    Args:
        detector: A `FasterRCNN`.
        boxed: A `BoxedImages`.
        short_side: Pixels to which the short side is resized, or `None`.
        max_side: Pixels that the long side is held to, or `None`.
        batch_size: Images that are looked at together, if they are of one size.
        progress: A `NoProgress` or the like.

    Returns:
        For each image a dictionary of arrays: `"boxes"` `[D, 4]` in pixels of the
        image as it is, `"scores"` `[D]`, `"classes"` `[D]`.
    """
    progress = progress or NoProgress()
    channels = int(boxed.images.sizes[0, 2])

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, channels))], autograph=False)
    def compute(images):
        return detector(images, training=False)

    found: list = [None] * len(boxed)
    for positions in _of_one_size(boxed.images.sizes, batch_size):
        pairs = [resized(boxed.images.read(position), short_side, max_side) for position in positions]
        images = np.stack([to_float(image) for image, _ in pairs])
        results = {name: value.numpy() for name, value in compute(tf.constant(images)).items()}
        for row, (position, (_, scale)) in enumerate(zip(positions, pairs, strict=True)):
            count = int(results["count"][row])
            found[position] = {name: results[name][row, :count] for name in ("boxes", "scores", "classes")}
            found[position]["boxes"] = found[position]["boxes"] / scale
        progress.advance(len(positions))
    return found


def _of_one_size(sizes, batch_size):
    """Positions of images of one size, up to `batch_size` at a time."""
    groups: dict[tuple, list[int]] = {}
    for position, size in enumerate(np.asarray(sizes).tolist()):
        groups.setdefault(tuple(size), []).append(position)
    for group in groups.values():
        for first in range(0, len(group), batch_size):
            yield group[first : first + batch_size]


def merge_tiles(tiles, found, sizes, classes, overlap_threshold, max_detections=1000):
    """What was found on tiles, as found on their images.

    A box that a tile's inner edge cuts is left to the neighbour, which shows it
    whole; of two that two tiles have found, the better one stays.

    Args:
        tiles: A `cpc_keras.detection.data.tiles.Tiles`.
        found: As of `find_objects`, of its tiles.
        sizes: Height and width of each image, `[N, 2]` or more columns.
        classes: Number of classes.
        overlap_threshold: Overlap above which two boxes of a class say the same.
        max_detections: Detections of an image, at most.

    Returns:
        As `find_objects`, of the images.
    """
    results = []
    for position, (height, width, *_) in enumerate(np.asarray(sizes)):
        boxes, scores, kinds = [np.zeros((0, 4))], [np.zeros(0)], [np.zeros(0, "int64")]
        for tile in np.flatnonzero(tiles.image == position):
            left, top = tiles.corner[tile]
            tile_height, tile_width, _ = tiles.boxed.images.sizes[tile]
            one = found[tile]["boxes"]
            whole = np.ones(len(one), bool)
            for side, inner, limit in (
                (0, left > 0, None),
                (1, top > 0, None),
                (2, left + tile_width < width, tile_width),
                (3, top + tile_height < height, tile_height),
            ):
                if inner:
                    whole &= one[:, side] > _CUT if limit is None else one[:, side] < limit - _CUT
            boxes.append(one[whole] + np.array([left, top, left, top]))
            scores.append(found[tile]["scores"][whole])
            kinds.append(found[tile]["classes"][whole])
        everything = (np.concatenate(boxes), np.concatenate(scores), np.concatenate(kinds))
        results.append(_best(*everything, classes, overlap_threshold, max_detections))
    return results


def _best(boxes, scores, kinds, classes, overlap_threshold, most):
    """One image's detections without those that say what a better one says."""
    by_class = scores[:, None] * np.eye(classes)[kinds]
    of_class = np.repeat(boxes[:, None], classes, axis=1)
    kept = detect(
        of_class[None].astype("float32"),
        by_class[None].astype("float32"),
        overlap_threshold,
        0.0,
        most,
        candidates=max(most, len(boxes)),
    )
    count = int(kept["count"][0])
    return {name: np.asarray(kept[name][0])[:count] for name in ("boxes", "scores", "classes")}

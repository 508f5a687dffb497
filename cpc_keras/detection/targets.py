"""What the two stages of Faster R-CNN are to say: matching, sampling and coding of boxes."""

import keras
import keras_hub
from keras import ops

# A box that overlaps with no true one, and one that is neither here nor there.
BACKGROUND, IGNORED = -1, -2


def overlaps(boxes, true_boxes, present):
    """Intersection over union of boxes with the true ones.

    Args:
        boxes: Tensor `[N, 4]` or `[B, N, 4]`, left, top, right and bottom.
        true_boxes: Tensor `[B, M, 4]`, likewise.
        present: Boolean tensor `[B, M]`, false for what only fills up the array.

    Returns:
        Float32 tensor `[B, N, M]`, -1 where there is no true box.
    """
    found = keras.utils.bounding_boxes.compute_iou(boxes, true_boxes, "xyxy")
    return ops.where(present[:, None], found, -1.0)


def match(found, low, high, force=False):
    """The true box that each box is to find, if any.

    Args:
        found: Overlaps `[B, N, M]`.
        low: Overlap below which a box is background.
        high: Overlap from which on it is to find the true box it overlaps with
            most; in between it is ignored.
        force: Whether every true box is also to be found by the boxes that
            overlap with it most, however little that is.

    Returns:
        Int32 tensor `[B, N]`: a place in `0 … M - 1`, `BACKGROUND` or `IGNORED`.

    Reference:
        Ren et al. 2015, arXiv 1506.01497, section 3.1.2.
    """
    matcher = keras_hub.layers.BoxMatcher([low, high], [BACKGROUND, IGNORED, 1])
    column, kind = matcher(found)
    matched = ops.where(kind == 1, column, kind)
    if not force:
        return matched
    # By hand: keras_hub's forced matches give the first box to columns that only fill up.
    best = ops.max(found, axis=1, keepdims=True)  # [B, 1, M]
    is_best = ops.logical_and(found == best, best > 0.0)
    return ops.where(
        ops.any(is_best, axis=-1), ops.cast(ops.argmax(ops.where(is_best, found, -1.0), -1), "int32"), matched
    )


def spare(matched, found, threshold):
    """Has boxes ignored that would be background but lie on an object that counts neither way.

    Args:
        matched: As of `match`, `[B, N]`.
        found: Overlaps with such objects, `[B, N, M]`.
        threshold: Overlap from which on a box lies on one.

    Returns:
        Int32 tensor like `matched`.
    """
    on_one = ops.logical_and(matched == BACKGROUND, ops.max(found, axis=-1) >= threshold)
    return ops.where(on_one, IGNORED, matched)


def sample(priorities, wanted, unwanted, count, share):
    """Some boxes with and some without an object, by the highest priorities.

    Args:
        priorities: Float tensor `[B, N]`, random numbers in `[0, 1)`.
        wanted: Boolean tensor `[B, N]`, boxes with an object.
        unwanted: Boolean tensor `[B, N]`, boxes without.
        count: How many to take of each image.
        share: Largest share of boxes with an object; the others fill up.

    Returns:
        Boolean tensor `[B, N]`.
    """
    with_object = _highest(priorities, wanted, round(count * share))
    free = count - ops.sum(ops.cast(with_object, "int32"), axis=1, keepdims=True)
    return ops.logical_or(with_object, _highest(priorities, unwanted, free))


def _highest(priorities, eligible, count):
    """Those of the eligible with the `count` highest priorities; `count` may be `[B, 1]`."""
    order = ops.argsort(ops.where(eligible, -priorities, 1.0), axis=1)
    ranks = ops.argsort(order, axis=1)
    return ops.logical_and(eligible, ranks < count)


def encode(anchors, boxes, variance=None):
    """Boxes as shifts and stretches of anchors.

    Args:
        anchors: Tensor `[N, 4]` or `[B, N, 4]`, left, top, right and bottom.
        boxes: Tensor `[B, N, 4]`, likewise.
        variance: What the four numbers are divided by, or `None`.

    Returns:
        Float32 tensor `[B, N, 4]`: shift of the centre along x and y in sides of
        the anchor, logarithms of the stretches of width and height.

    Reference:
        Ren et al. 2015, arXiv 1506.01497, equation 2.
    """
    return keras.utils.bounding_boxes.encode_box_to_deltas(
        anchors, boxes, "xyxy", "xyxy", encoding_format="center_xywh", variance=variance
    )


def decode(anchors, deltas, variance=None, largest=4.135):
    """Undoes `encode`; stretches are held to `exp(largest)`, 1000/16 by default."""
    deltas = ops.cast(deltas, "float32")
    if variance is not None:
        deltas = deltas * ops.convert_to_tensor(variance, "float32")
    deltas = ops.concatenate([deltas[..., :2], ops.minimum(deltas[..., 2:], largest)], axis=-1)
    return keras.utils.bounding_boxes.decode_deltas_to_boxes(
        anchors, deltas, "xyxy", "xyxy", encoded_format="center_xywh"
    )


def clip(boxes, sizes):
    """Boxes cut off at the edges of their images.

    Args:
        boxes: Tensor `[B, N, 4]`, left, top, right and bottom.
        sizes: Tensor `[B, 2]`, height and width.
    """
    far = ops.cast(ops.flip(sizes, axis=-1), "float32")  # width and height
    return ops.minimum(ops.maximum(ops.cast(boxes, "float32"), 0.0), ops.concatenate([far, far], axis=-1)[:, None])

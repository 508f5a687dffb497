"""What the two stages of Faster R-CNN are to say: boxes matched with the true ones, and a sample of them."""

import keras
import keras_hub
from keras import ops

from cpc_keras.detection.box_coding import encode
from cpc_keras.detection.data.boxes import DIFFICULT

# A box that overlaps with no true one, and one that is neither here nor there.
BACKGROUND, IGNORED = -1, -2
# What deltas of the second stage are divided by, so that they are about as large as logits.
ROI_VARIANCE = (0.1, 0.1, 0.2, 0.2)
# Overlaps: of an anchor that is background and one that is an object, of a proposal that is an object.
_LOW, _HIGH, _OBJECT = 0.3, 0.7, 0.5
# Shares of anchors and of proposals with an object, at most.
_ANCHORS, _PROPOSALS = 0.5, 0.25


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


def rpn_targets(anchors, sizes, truth, priorities, count):
    """What the region proposal network is to say.

    Args:
        anchors: Tensor `[N, 4]`, left, top, right and bottom.
        sizes: Tensor `[B, 2]`, height and width of the images without padding.
        truth: Dictionary of `"boxes"` `[B, M, 4]` and `"classes"` `[B, M]`, negative for
            what fills up and for objects marked difficult.
        priorities: Float tensor `[B, N]`, random numbers in `[0, 1)`.
        count: Anchors of an image that are trained on.

    Returns:
        A dictionary: `"rpn_sampled"` and `"rpn_objects"`, booleans `[B, N]`, and
        `"rpn_targets"`, deltas `[B, N, 4]`.
    """
    matched = _matched(anchors, truth, _LOW, _HIGH, force=True)
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2  # x and y
    inside = ops.all(centres[None] < ops.flip(sizes, axis=-1)[:, None], axis=-1)  # not where an image was padded
    objects = ops.logical_and(matched >= 0, inside)
    empty = ops.logical_and(matched == BACKGROUND, inside)
    return {
        "rpn_sampled": sample(priorities, objects, empty, count, _ANCHORS),
        "rpn_objects": objects,
        "rpn_targets": encode(anchors, _of_each(truth["boxes"], matched)),
    }


def roi_targets(boxes, truth, priorities, count):
    """A sample of boxes, and what the second stage is to say of them.

    Args:
        boxes: Tensor `[B, N, 4]`; those without area fill up.
        truth: Dictionary of `"boxes"` `[B, M, 4]` and `"classes"` `[B, M]`, negative
            for what fills up and for objects marked difficult.
        priorities: Float tensor `[B, N]`, random numbers in `[0, 1)`.
        count: How many are sampled, `R`, at most `N`.

    Returns:
        A dictionary: `"boxes"` `[B, R, 4]`; `"classes"`, int32 `[B, R]`, 0 for
        background; `"deltas"` `[B, R, 4]`; `"sampled"`, booleans `[B, R]`, false where
        there were not as many.
    """
    boxes = ops.stop_gradient(boxes)
    matched = _matched(boxes, truth, _OBJECT, _OBJECT)
    real = ops.logical_and(boxes[..., 2] > boxes[..., 0], boxes[..., 3] > boxes[..., 1])
    objects = ops.logical_and(matched >= 0, real)
    empty = ops.logical_and(matched == BACKGROUND, real)
    sampled = sample(priorities, objects, empty, count, _PROPOSALS)
    _, chosen = ops.top_k(ops.where(sampled, priorities, -1.0), k=count)
    matched, sampled, objects = (ops.take_along_axis(one, chosen, axis=1) for one in (matched, sampled, objects))
    boxes = ops.take_along_axis(boxes, chosen[..., None], axis=1)
    own = ops.take_along_axis(truth["classes"], ops.maximum(matched, 0), axis=1) + 1
    return {
        "boxes": boxes,
        "classes": ops.where(objects, own, 0),
        "deltas": encode(boxes, _of_each(truth["boxes"], matched), ROI_VARIANCE),
        "sampled": sampled,
    }


def _matched(boxes, truth, low, high, force=False):
    """As `match`; what lies on a difficult object is not background."""
    found = overlaps(boxes, truth["boxes"], truth["classes"] >= 0)
    spared = overlaps(boxes, truth["boxes"], truth["classes"] == DIFFICULT)
    return spare(match(found, low, high, force), spared, low)


def _of_each(true_boxes, matched):
    """The true box of each box, `[B, N, 4]`; any for those that have none."""
    return ops.take_along_axis(true_boxes, ops.maximum(matched, 0)[..., None], axis=1)

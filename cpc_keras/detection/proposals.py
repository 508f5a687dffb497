"""Non-maximum suppression, of proposals and of detections, by keras-hub."""

import keras_hub
from keras import ops

# Scores of what only fills up.
_NONE = -1.0


def propose(boxes, objectness, candidates, proposals, threshold):
    """The boxes in which an object is likeliest, without those that say the same.

    Args:
        boxes: Tensor `[B, N, 4]`, left, top, right and bottom.
        objectness: Tensor `[B, N]` of logits.
        candidates: How many of the likeliest are looked at.
        proposals: How many are kept, `R`.
        threshold: Overlap above which the less likely of two boxes is dropped.

    Returns:
        Float32 tensor `[B, R, 4]` without gradient, the likeliest first; boxes of
        zeros if there are fewer.
    """
    boxes, scores = _likeliest(ops.stop_gradient(boxes), ops.sigmoid(ops.stop_gradient(objectness)), candidates)
    large = ops.all(boxes[..., 2:] - boxes[..., :2] >= 1.0, axis=-1)
    scores = ops.where(large, scores, _NONE)
    boxes, scores, _ = _suppress(boxes, scores[..., None], threshold, 0.0, proposals)
    return ops.where(scores[..., None] > 0.0, boxes, 0.0)


def detect(boxes, scores, overlap_threshold, score_threshold, count, candidates=2000):
    """Detections: of two of a class that overlap much, the better one.

    Args:
        boxes: Tensor `[B, R, K, 4]`, for each class left, top, right and bottom in
            pixels, not negative.
        scores: Tensor `[B, R, K]` in `[0, 1]`.
        overlap_threshold: Overlap above which two say the same.
        score_threshold: Lower scores are dropped.
        count: Detections that are kept at most, `D`.
        candidates: How many of the highest scores are looked at.

    Returns:
        A dictionary, the best first: `"boxes"` `[B, D, 4]`, `"scores"` `[B, D]`,
        `"classes"` `[B, D]` (-1 where there are no more), `"count"` `[B]`.

    Example:

    >>> import numpy as np
    >>> boxes = np.array([[[[0.0, 0, 10, 10]], [[1.0, 0, 10, 10]], [[20.0, 0, 30, 10]]]])
    >>> found = detect(boxes, np.array([[[0.5], [0.75], [0.25]]]), 0.5, 0.1, count=4)
    >>> np.asarray(found["scores"]).tolist()
    [[0.75, 0.25, 0.0, 0.0]]
    """
    boxes, scores = (ops.cast(values, "float32") for values in (boxes, scores))
    proposals, kinds = scores.shape[1:]
    flat = ops.reshape(scores, (-1, proposals * kinds))
    classes = ops.tile(ops.tile(ops.arange(kinds, dtype="int32"), (proposals,))[None], (ops.shape(scores)[0], 1))
    boxes, best, classes = _likeliest(ops.reshape(boxes, (-1, proposals * kinds, 4)), flat, candidates, classes)
    # keras_hub lets every box compete with every other: so far apart, those of two classes do not meet.
    apart = ops.max(boxes) + 1.0
    far = boxes + apart * ops.cast(classes, "float32")[..., None]
    by_class = best[..., None] * ops.one_hot(classes, kinds, dtype="float32")
    far, best, classes = _suppress(far, by_class, overlap_threshold, score_threshold, count)
    found = best > 0.0
    return {
        "boxes": ops.where(found[..., None], far - apart * ops.cast(classes, "float32")[..., None], 0.0),
        "scores": ops.where(found, best, 0.0),
        "classes": ops.where(found, classes, -1),
        "count": ops.sum(ops.cast(found, "int32"), axis=1),
    }


def _likeliest(boxes, scores, count, *others):
    """`[B, count, …]` of each; where there are fewer boxes, what fills up has no score."""
    fill = ((0, 0), (0, count))
    scores, places = ops.top_k(ops.pad(scores, fill, constant_values=_NONE), k=count)
    boxes = ops.take_along_axis(ops.pad(boxes, (*fill, (0, 0))), places[..., None], axis=1)
    return boxes, scores, *(ops.take_along_axis(ops.pad(other, fill), places, axis=1) for other in others)


def _suppress(boxes, scores, overlap_threshold, score_threshold, count):
    """keras_hub's suppression, image by image, since it must know a batch's size beforehand.

    Returns boxes, scores and classes of those that are left, scores -1 for what
    fills up.
    """
    layer = keras_hub.layers.NonMaxSuppression(
        "xyxy",
        from_logits=False,
        iou_threshold=overlap_threshold,
        confidence_threshold=score_threshold,
        max_detections=count,
        dtype="float32",
    )

    def of_image(image):
        found = layer(image[0][None], image[1][None])
        return found["boxes"][0], found["confidence"][0], ops.cast(found["labels"][0], "int32")

    boxes, scores, classes = ops.map(of_image, (boxes, scores))
    shape = (-1, count)
    return ops.reshape(boxes, (*shape, 4)), ops.reshape(scores, shape), ops.reshape(classes, shape)

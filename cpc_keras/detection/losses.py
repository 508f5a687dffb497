"""The four losses of Faster R-CNN."""

import keras
from keras import ops

LOSSES = ("rpn_object", "rpn_box", "class", "box")
# Where smooth L1 goes over from a parabola to a line, of anchors and of proposals.
_RPN_BETA, _ROI_BETA = 1.0 / 9.0, 1.0


def detection_losses(found, classes):
    """Each is the mean over images of a sum over an image's sample, divided by the size of that sample.

    Args:
        found: What `FasterRCNN.respond` gives: logits and deltas of both stages
            beside their targets.
        classes: Number of classes, background not counted.

    Returns:
        A dictionary of float32 scalars by the names in `LOSSES`.

    Reference:
        Girshick 2015, arXiv 1504.08083, equations 1 to 3; Ren et al. 2015,
        arXiv 1506.01497, equation 1.
    """
    sampled = ops.cast(found["rpn_sampled"], "float32")
    objects = ops.cast(found["rpn_objects"], "float32")
    of_object = keras.losses.binary_crossentropy(objects[..., None], found["objectness"][..., None], from_logits=True)
    of_shift = _smooth_l1(found["rpn_deltas"] - found["rpn_targets"], _RPN_BETA)
    roi_sampled = ops.cast(found["roi_sampled"], "float32")
    true_class = found["roi_classes"]  # 0 is background
    of_class = keras.losses.sparse_categorical_crossentropy(true_class, found["logits"], from_logits=True)
    own = ops.one_hot(ops.maximum(true_class - 1, 0), classes, dtype="float32")[..., None]  # [B, R, K, 1]
    of_box = _smooth_l1(ops.sum(found["deltas"] * own, axis=2) - found["roi_deltas"], _ROI_BETA)
    is_object = ops.cast(true_class > 0, "float32")
    return {
        "rpn_object": _share(of_object, sampled, sampled),
        "rpn_box": _share(of_shift, sampled * objects, sampled),
        "class": _share(of_class, roi_sampled, roi_sampled),
        "box": _share(of_box, roi_sampled * is_object, roi_sampled),
    }


def _smooth_l1(difference, beta):
    """Summed over the four numbers of a box."""
    size = ops.abs(difference)
    return ops.sum(ops.where(size < beta, 0.5 * size * size / beta, size - 0.5 * beta), axis=-1)


def _share(losses, counted, sampled):
    """Mean over images of the counted losses' sum by the number of sampled boxes."""
    totals = ops.sum(ops.where(counted > 0, losses, 0.0), axis=1)
    return ops.mean(totals / ops.maximum(ops.sum(sampled, axis=1), 1.0))

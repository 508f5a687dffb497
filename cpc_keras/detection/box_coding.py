"""Boxes as shifts and stretches of anchors, by Keras, and cut off at the edges of images."""

import keras
from keras import ops


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

"""Classifiers that stand on an encoder's map."""

import keras
from keras import layers

from cpc_keras.layers.grid_pooling import GridPooling
from cpc_keras.models.residual import activate, residual_block

HEADS = ("mean", "grid3", "resnet")
# Few labels leave few steps: after 50 of them, means that keep 0.99 at each are still what they were at first.
_MOMENTUM = 0.9


def ClassifierHead(
    input_shape,
    classes,
    kind="resnet",
    blocks=11,
    width=4096,
    bottleneck=1024,
    normalization="batch",
    dropout=0.0,
    name="head",
    dtype=None,
):
    """A classifier from an encoder's map to class probabilities.

    Args:
        input_shape: `(h, w, D)` of the map.
        classes: Number of classes.
        kind: `"mean"`, a linear map on the spatial mean; `"grid3"`, a linear map
            on the means over 3 × 3 areas; `"resnet"`, the published head: a
            pre-activation ResNet on the map, then the mean and a linear map.
        blocks: Residual blocks of `"resnet"`.
        width: Its channels.
        bottleneck: Its channels inside a block.
        normalization: `"batch"`, `"layer"` or `"none"`, of `"resnet"`.
        dropout: Share of the pooled features that is dropped in training.
        name: Name of the model.
        dtype: Dtype or dtype policy; probabilities are float32 in any case.

    Returns:
        A `keras.Model` from `[B, h, w, D]` to float32 `[B, classes]`.

    Raises:
        ValueError: If `kind` is unknown.

    Reference:
        Hénaff et al. 2019, arXiv 1905.09272: 11 blocks of 4096 channels, 1024
        inside.

    Example:

    >>> import numpy as np
    >>> head = ClassifierHead((7, 7, 8), classes=3, blocks=1, width=16, bottleneck=4)
    >>> tuple(head(np.zeros((2, 7, 7, 8))).shape)
    (2, 3)
    """
    if kind not in HEADS:
        raise ValueError(f"`kind` must be one of {HEADS}. Received: kind={kind!r}")
    maps = keras.Input(input_shape, name="maps")
    x = maps
    if kind == "resnet":
        for block in range(1, blocks + 1):
            x = residual_block(x, width, bottleneck, f"block{block}", normalization, dtype=dtype, momentum=_MOMENTUM)
        x = activate(x, "post", normalization, dtype, _MOMENTUM)
    if kind == "grid3":
        x = GridPooling(3, name="pool", dtype="float32")(x)  # means of nine areas keep their precision
    else:
        x = layers.GlobalAveragePooling2D(name="pool", data_format="channels_last", dtype=dtype)(x)
    x = layers.Dropout(dropout, name="dropout", dtype=dtype)(x)
    # Zeros: every class is as likely as any other until a label is seen.
    x = layers.Dense(classes, "softmax", kernel_initializer="zeros", name="predictions", dtype="float32")(x)
    return keras.Model(maps, x, name=name)

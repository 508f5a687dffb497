"""The second stage's head: what is in a box, and where it really ends."""

import keras
from keras import layers

from cpc_keras.models.residual import activate, residual_block


def BoxHead(
    input_shape,
    classes,
    blocks=3,
    width=2048,
    bottleneck=512,
    normalization="layer",
    name="box_head",
    dtype=None,
):
    """A residual head on the features of boxes: a stack of blocks, the first of which halves the map, then the mean.

    With the defaults it is the fourth stack of a ResNet-50, as in the C4 form of
    Faster R-CNN.

    Args:
        input_shape: `(S, S, D)` of a box's features.
        classes: Number of classes `K`, background not counted.
        blocks: Residual blocks.
        width: Their channels.
        bottleneck: Channels inside a block, `None` for two 3×3 convolutions.
        normalization: `"layer"`, `"batch"` or `"none"`.
        name: Name of the model.
        dtype: Dtype or dtype policy; what comes out is float32 in any case.

    Returns:
        A `keras.Model` from `[N, S, S, D]` to logits `[N, K + 1]`, background
        first, and deltas `[N, 4 K]`.

    Reference:
        Ren et al. 2015, arXiv 1506.01497; He et al. 2016, arXiv 1512.03385,
        appendix A.

    Example:

    >>> import numpy as np
    >>> logits, deltas = BoxHead((6, 6, 8), classes=3, blocks=1, width=8, bottleneck=None)(np.zeros((5, 6, 6, 8)))
    >>> tuple(logits.shape), tuple(deltas.shape)
    ((5, 4), (5, 12))
    """
    x = maps = keras.Input(input_shape, name="maps")
    for block in range(1, blocks + 1):
        x = residual_block(x, width, bottleneck, f"block{block}", normalization, 2 if block == 1 else 1, dtype)
    x = activate(x, "post", normalization, dtype)
    x = layers.GlobalAveragePooling2D(name="pool", data_format="channels_last", dtype=dtype)(x)
    small, smaller = (keras.initializers.RandomNormal(stddev=deviation) for deviation in (0.01, 0.001))
    logits = layers.Dense(classes + 1, kernel_initializer=small, name="logits", dtype="float32")(x)
    deltas = layers.Dense(4 * classes, kernel_initializer=smaller, name="deltas", dtype="float32")(x)
    return keras.Model(maps, [logits, deltas], name=name)

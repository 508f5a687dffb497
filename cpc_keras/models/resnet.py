"""Pre-activation residual encoders that serve patches and whole images alike."""

import keras
from keras import layers

from cpc_keras.models.residual import NORMALIZATIONS, activate, convolve, residual_block

STEMS = ("small", "medium", "large")


def ResNet(
    widths=(64, 128, 256),
    blocks=(2, 2, 2),
    bottleneck_widths=None,
    stem="large",
    normalization="layer",
    input_shape=(None, None, 3),
    include_top=False,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="resnet",
    dtype=None,
):
    """A pre-activation ResNet of any width and depth.

    The first stack keeps the stem's resolution, each further one halves it. The
    total stride of three stacks is 16 on the large stem, 8 on the medium and 4
    on the small one.

    Without norms nothing holds back the sum of many residual branches: under He
    initialisation its variance grows by more than half at each block. So with
    `normalization="none"` the last convolution of every branch starts at zero,
    and the untrained network is as if it were its stem and shortcuts alone.

    Args:
        widths: Output channels of each stack.
        blocks: Residual blocks of each stack.
        bottleneck_widths: Channels inside a block of each stack, which is then
            1×1, 3×3, 1×1; if `None` a block is two 3×3 convolutions.
        stem: `"small"` (3×3, stride 1; for images and patches up to 40 px) or
            `"medium"` (3×3, stride 2) or `"large"` (7×7, stride 2, then 3×3 max
            pooling, stride 2).
        normalization: `"layer"` (over space and channels of one example),
            `"batch"` or `"none"`.
        input_shape: `(h, w, C)`; `None` leaves height or width open.
        include_top: Whether a classifier follows (then the maps are
            mean-pooled).
        pooling: `None` for the feature map, `"avg"` or `"max"` for a vector.
        classes: Number of classes if `include_top`.
        classifier_activation: Activation of the classifier; `None` gives logits.
        name: Name of the model.
        dtype: Dtype or dtype policy of every layer; the global policy if `None`.

    Returns:
        A `keras.Model` from `[N, h, w, C]` to `[N, h / s, w / s, widths[-1]]`,
        `[N, widths[-1]]` if pooled, `[N, classes]` with a top.

    Raises:
        ValueError: If an argument is not one of the choices above.

    Reference:
        He et al. 2016, arXiv 1603.05027 (pre-activation); Zhang et al. 2019,
        arXiv 1901.09321 (branches that start at zero in place of norms).

    Example:

    >>> import numpy as np
    >>> encoder = ResNet(widths=(8, 16), blocks=(1, 1), stem="small", input_shape=(None, None, 1))
    >>> tuple(encoder(np.zeros((3, 12, 12, 1))).shape)
    (3, 6, 6, 16)
    """
    _check_arguments(widths, blocks, bottleneck_widths, stem, normalization, pooling)

    inner_widths = bottleneck_widths or (None,) * len(widths)
    inputs = keras.Input(input_shape, name="images")
    kernel, strides = {"small": (3, 1), "medium": (3, 2), "large": (7, 2)}[stem]
    common = {"data_format": "channels_last", "dtype": dtype}
    x = convolve(inputs, inner_widths[0] or widths[0], kernel, "stem", strides, dtype=dtype)
    if stem == "large":
        x = layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool", **common)(x)
    for stack, (filters, inner, count) in enumerate(zip(widths, inner_widths, blocks, strict=True), start=1):
        for block in range(1, count + 1):
            strides = 2 if stack > 1 and block == 1 else 1
            x = residual_block(x, filters, inner, f"stack{stack}_block{block}", normalization, strides, dtype)
    x = activate(x, "post", normalization, dtype)
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool", **common)(x)
        x = layers.Dense(classes, activation=classifier_activation, name="predictions", dtype="float32")(x)
    elif pooling == "avg":
        x = layers.GlobalAveragePooling2D(name="avg_pool", **common)(x)
    elif pooling == "max":
        x = layers.GlobalMaxPooling2D(name="max_pool", **common)(x)
    return keras.Model(inputs, x, name=name)


def _check_arguments(widths, blocks, bottleneck_widths, stem, normalization, pooling):
    if len(widths) != len(blocks) or not widths:
        raise ValueError(
            "`widths` and `blocks` must name the same number of stacks, at least one. "
            f"Received: widths={widths}, blocks={blocks}"
        )
    if bottleneck_widths is not None and (
        not isinstance(bottleneck_widths, (tuple, list)) or len(bottleneck_widths) != len(widths)
    ):
        raise ValueError(
            f"`bottleneck_widths` must be None or hold a width for each of the {len(widths)} stacks. "
            f"Received: bottleneck_widths={bottleneck_widths!r}"
        )
    for argument, value, choices in (
        ("stem", stem, STEMS),
        ("normalization", normalization, NORMALIZATIONS),
        ("pooling", pooling, (None, "avg", "max")),
    ):
        if value not in choices:
            raise ValueError(f"`{argument}` must be one of {choices}. Received: {argument}={value!r}")

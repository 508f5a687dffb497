"""Pre-activation residual encoders that serve patches and whole images alike."""

import keras
from keras import layers

from cpc_keras.layers.spatial_layer_normalization import SpatialLayerNormalization

NORMALIZATIONS = ("layer", "batch", "none")
STEMS = ("small", "medium", "large")


def ResNet(
    widths=(64, 128, 256),
    blocks=(2, 2, 2),
    bottleneck=False,
    stem="large",
    normalization="layer",
    input_shape=(None, None, 3),
    include_top=False,
    pooling=None,
    classes=1000,
    name="resnet",
    dtype=None,
):
    """A pre-activation ResNet of any width and depth.

    The first stack keeps the stem's resolution, each further one halves it. The
    total stride of three stacks is 16 on the large stem, 8 on the medium and 4
    on the small one.

    Args:
        widths: Output channels of each stack.
        blocks: Residual blocks of each stack.
        bottleneck: If `True`, a block is 1×1, 3×3, 1×1 with a quarter of the
            width inside; otherwise two 3×3 convolutions.
        stem: `"small"` (3×3, stride 1; for images and patches up to 40 px) or
            `"medium"` (3×3, stride 2) or `"large"` (7×7, stride 2, then 3×3 max
            pooling, stride 2).
        normalization: `"layer"` (over space and channels of one example),
            `"batch"` or `"none"`.
        input_shape: `(h, w, C)`; `None` leaves height or width open.
        include_top: Whether a softmax classifier follows (then the maps are
            mean-pooled).
        pooling: `None` for the feature map, `"avg"` or `"max"` for a vector.
        classes: Number of classes if `include_top`.
        name: Name of the model.
        dtype: Dtype or dtype policy of every layer; the global policy if `None`.

    Returns:
        A `keras.Model` from `[N, h, w, C]` to `[N, h / s, w / s, widths[-1]]`,
        `[N, widths[-1]]` if pooled, `[N, classes]` with a top.

    Raises:
        ValueError: If an argument is not one of the choices above.

    Reference:
        He et al. 2016, arXiv 1603.05027 (pre-activation).

    Example:

    >>> import numpy as np
    >>> encoder = ResNet(widths=(8, 16), blocks=(1, 1), stem="small", input_shape=(None, None, 1))
    >>> tuple(encoder(np.zeros((3, 12, 12, 1))).shape)
    (3, 6, 6, 16)
    """
    _check_arguments(widths, blocks, stem, normalization, pooling)

    def normalize(x, prefix):
        if normalization == "layer":
            return SpatialLayerNormalization(name=f"{prefix}_norm", dtype=dtype)(x)
        if normalization == "batch":
            return layers.BatchNormalization(name=f"{prefix}_norm", dtype=dtype)(x)
        return x

    def activate(x, prefix):
        x = normalize(x, prefix)
        return layers.Activation("relu", name=f"{prefix}_relu", dtype=dtype)(x)

    def convolve(x, filters, kernel, prefix, strides=1):
        return layers.Conv2D(
            filters,
            kernel,
            strides=strides,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{prefix}_conv",
            dtype=dtype,
        )(x)

    def residual_block(x, filters, strides, prefix):
        activated = activate(x, f"{prefix}_preact")
        shortcut = x
        if strides != 1 or x.shape[-1] != filters:
            shortcut = convolve(activated, filters, 1, f"{prefix}_shortcut", strides)
        if bottleneck:
            inner = filters // 4
            x = convolve(activated, inner, 1, f"{prefix}_1")
            x = convolve(activate(x, f"{prefix}_1"), inner, 3, f"{prefix}_2", strides)
            x = convolve(activate(x, f"{prefix}_2"), filters, 1, f"{prefix}_3")
        else:
            x = convolve(activated, filters, 3, f"{prefix}_1", strides)
            x = convolve(activate(x, f"{prefix}_1"), filters, 3, f"{prefix}_2")
        return layers.Add(name=f"{prefix}_add", dtype=dtype)([shortcut, x])

    inputs = keras.Input(input_shape, name="images")
    stem_width = widths[0] // 4 if bottleneck else widths[0]
    if stem == "small":
        x = convolve(inputs, stem_width, 3, "stem")
    elif stem == "medium":
        x = convolve(inputs, stem_width, 3, "stem", strides=2)
    else:
        x = convolve(inputs, stem_width, 7, "stem", strides=2)
        x = layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool", dtype=dtype)(x)
    for stack, (filters, count) in enumerate(zip(widths, blocks, strict=True), start=1):
        for block in range(1, count + 1):
            strides = 2 if stack > 1 and block == 1 else 1
            x = residual_block(x, filters, strides, f"stack{stack}_block{block}")
    x = activate(x, "post")
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool", dtype=dtype)(x)
        x = layers.Dense(classes, activation="softmax", name="predictions", dtype="float32")(x)
    elif pooling == "avg":
        x = layers.GlobalAveragePooling2D(name="avg_pool", dtype=dtype)(x)
    elif pooling == "max":
        x = layers.GlobalMaxPooling2D(name="max_pool", dtype=dtype)(x)
    return keras.Model(inputs, x, name=name)


def _check_arguments(widths, blocks, stem, normalization, pooling):
    if len(widths) != len(blocks) or not widths:
        raise ValueError(
            "`widths` and `blocks` must name the same number of stacks, at least one. "
            f"Received: widths={widths}, blocks={blocks}"
        )
    for argument, value, choices in (
        ("stem", stem, STEMS),
        ("normalization", normalization, NORMALIZATIONS),
        ("pooling", pooling, (None, "avg", "max")),
    ):
        if value not in choices:
            raise ValueError(f"`{argument}` must be one of {choices}. Received: {argument}={value!r}")


def _family_member(name, widths, blocks, bottleneck):
    def build(
        input_shape=(None, None, 3),
        stacks=3,
        stem="large",
        normalization="layer",
        include_top=False,
        pooling=None,
        classes=1000,
        name=name,
        dtype=None,
    ):
        if stacks not in (3, 4):
            raise ValueError(f"`stacks` must be 3 or 4. Received: stacks={stacks}")
        return ResNet(
            widths=widths[:stacks],
            blocks=blocks[:stacks],
            bottleneck=bottleneck,
            stem=stem,
            normalization=normalization,
            input_shape=input_shape,
            include_top=include_top,
            pooling=pooling,
            classes=classes,
            name=name,
            dtype=dtype,
        )

    return build


def ResNet18(**kwargs):
    """ResNet-18 (basic blocks 2-2-2-2), by default its first three stacks.

    Args:
        **kwargs: `input_shape`, `stacks` (3 or 4), `stem`, `normalization`,
            `include_top`, `pooling`, `classes`, `name`, `dtype`; see `ResNet`.

    Returns:
        A `keras.Model` to a map of 256 channels at stride 16 (512 at 32 with
        four stacks).

    Example:

    >>> ResNet18().output_shape
    (None, None, None, 256)
    """
    return _family_member("resnet18", (64, 128, 256, 512), (2, 2, 2, 2), False)(**kwargs)


def ResNet50(**kwargs):
    """ResNet-50 (bottleneck blocks 3-4-6-3), by default its first three stacks.

    Args:
        **kwargs: As for `ResNet18`.

    Returns:
        A `keras.Model` to a map of 1024 channels at stride 16 (2048 at 32 with
        four stacks).

    Example:

    >>> ResNet50(stacks=4).output_shape
    (None, None, None, 2048)
    """
    return _family_member("resnet50", (256, 512, 1024, 2048), (3, 4, 6, 3), True)(**kwargs)

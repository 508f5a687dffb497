"""Pre-activation residual blocks, as encoders and heads are built of them."""

from keras import layers

from cpc_keras.layers.convolution import Convolution
from cpc_keras.layers.spatial_layer_normalization import SpatialLayerNormalization

NORMALIZATIONS = ("layer", "batch", "none")


def activate(x, prefix, normalization, dtype=None, momentum=0.99):
    """Norm and ReLU.

    Args:
        x: Symbolic tensor `[N, h, w, D]`.
        prefix: Beginning of the layers' names.
        normalization: `"layer"` (over space and channels of one example),
            `"batch"` or `"none"`.
        dtype: Dtype or dtype policy of the layers.
        momentum: Share of their old value that the means of `"batch"`, which
            serve outside training, keep at a step.

    Returns:
        A tensor of the same shape.
    """
    if normalization == "layer":
        x = SpatialLayerNormalization(name=f"{prefix}_norm", dtype=dtype)(x)
    elif normalization == "batch":
        x = layers.BatchNormalization(momentum=momentum, epsilon=1e-5, name=f"{prefix}_norm", dtype=dtype)(x)
    return layers.Activation("relu", name=f"{prefix}_relu", dtype=dtype)(x)


def convolve(x, filters, kernel, prefix, strides=1, starts_at_zero=False, dtype=None):
    """A convolution without bias, He initialisation.

    Args:
        x: Symbolic tensor `[N, h, w, D]`.
        filters: Output channels.
        kernel: Side of the kernel.
        prefix: Beginning of the layer's name.
        strides: Pixels from one application to the next.
        starts_at_zero: Whether its weights are zero at first.
        dtype: Dtype or dtype policy of the layer.

    Returns:
        Tensor `[N, h / strides, w / strides, filters]`.
    """
    return Convolution(
        filters,
        kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="zeros" if starts_at_zero else "he_normal",
        name=f"{prefix}_conv",
        dtype=dtype,
    )(x)


def residual_block(x, filters, inner, prefix, normalization, strides=1, dtype=None, momentum=0.99):
    """A pre-activation residual block.

    Without norms the last convolution of the branch starts at zero, see
    `cpc_keras.models.ResNet`.

    Args:
        x: Symbolic tensor `[N, h, w, D]`.
        filters: Output channels.
        inner: Channels of the 1×1, 3×3, 1×1 bottleneck; `None` for two 3×3
            convolutions.
        prefix: Beginning of the layers' names.
        normalization: `"layer"` (over space and channels of one example), `"batch"` or
            `"none"`.
        strides: 2 halves the map.
        dtype: Dtype or dtype policy of the layers.
        momentum: Share of their old value that the means of `"batch"`, which serve
            outside training, keep at a step.

    Returns:
        Tensor `[N, h / strides, w / strides, filters]`.

    Reference:
        He et al. 2016, arXiv 1603.05027.
    """
    zero = normalization == "none"
    activated = activate(x, f"{prefix}_preact", normalization, dtype, momentum)
    shortcut = x
    if strides != 1 or x.shape[-1] != filters:
        shortcut = convolve(activated, filters, 1, f"{prefix}_shortcut", strides, dtype=dtype)
    if inner is None:
        x = convolve(activated, filters, 3, f"{prefix}_1", strides, dtype=dtype)
        x = activate(x, f"{prefix}_1", normalization, dtype, momentum)
        x = convolve(x, filters, 3, f"{prefix}_2", starts_at_zero=zero, dtype=dtype)
    else:
        x = convolve(activated, inner, 1, f"{prefix}_1", dtype=dtype)
        x = activate(x, f"{prefix}_1", normalization, dtype, momentum)
        x = convolve(x, inner, 3, f"{prefix}_2", strides, dtype=dtype)
        x = activate(x, f"{prefix}_2", normalization, dtype, momentum)
        x = convolve(x, filters, 1, f"{prefix}_3", starts_at_zero=zero, dtype=dtype)
    return layers.Add(name=f"{prefix}_add", dtype=dtype)([shortcut, x])

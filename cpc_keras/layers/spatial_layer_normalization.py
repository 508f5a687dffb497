"""Layer normalisation of feature maps over space and channels together."""

import keras
from keras import ops

from cpc_keras.backend.kernels.layer_norm import fused_normalization, worth_fusing


@keras.saving.register_keras_serializable(package="cpc_keras")
class SpatialLayerNormalization(keras.layers.Layer):
    """Normalises each feature map by its own mean and variance.

    Statistics run over height, width and channels of one example, so nothing
    ties the patches of a batch together (batch statistics would let the
    contrastive task be solved without looking at content), and the spatial size
    stays free: the same weights serve a patch and a whole image. Scale and
    offset are per channel.

    Statistics are kept in float32 whatever the compute dtype: a nearly constant
    patch has a variance that bfloat16 cannot hold.

    Args:
        epsilon: Added to the variance.

    Call arguments:
        inputs: Tensor `[N, h, w, C]`.
        training: Whether the call is part of a training step, where large maps
            take a faster way to the same result.

    Output shape:
        Same as the input.

    Reference:
        Hénaff et al. 2019, arXiv 1905.09272 (layer normalisation in place of
        batch normalisation); Ba et al. 2016, arXiv 1607.06450.

    Example:

    >>> import numpy as np
    >>> maps = np.random.default_rng(0).normal(5.0, 3.0, (2, 4, 4, 8))
    >>> normalized = SpatialLayerNormalization()(maps)
    >>> bool(abs(normalized.numpy().mean()) < 1e-5)
    True
    """

    by_example = True  # a batch may be split

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        channels = (input_shape[-1],)
        self.gamma = self.add_weight(shape=channels, initializer="ones", name="gamma", autocast=False)
        self.beta = self.add_weight(shape=channels, initializer="zeros", name="beta", autocast=False)

    def call(self, inputs, training=False):
        if training and worth_fusing(inputs.shape):
            return fused_normalization(inputs, self.gamma, self.beta, self.epsilon)
        wide = ops.cast(inputs, "float32")
        mean = ops.mean(wide, axis=(1, 2, 3), keepdims=True)
        centred = wide - mean
        variance = ops.mean(ops.square(centred), axis=(1, 2, 3), keepdims=True)
        scale = ops.rsqrt(variance + self.epsilon) * self.gamma
        return ops.cast(centred * scale + self.beta, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}

"""What an exported encoder computes, as a Keras model that takes images of any size."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from cpc_keras.layers.transforms.color import LUMA


@dataclasses.dataclass(frozen=True)
class LinearHead:
    """A classifier that was trained on few labels.

    Attributes:
        pooling: Function from `(patch_grid, feature_map)` to features `[B, D']`.
        kernel: Float array `[D', classes]`.
        bias: Float array `[classes]`.
        class_names: A text for each class.
    """

    pooling: Callable
    kernel: np.ndarray
    bias: np.ndarray
    class_names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class NetworkHead:
    """A classifier that was trained as a whole on few labels, with an encoder of its own.

    Attributes:
        network: A `keras.Model` from crops `[B, crop, crop, C]` to probabilities
            `[B, classes]`.
        class_names: A text for each class.
    """

    network: keras.Model
    class_names: tuple[str, ...]


class ImageFeatures(keras.Model):
    """The encoder of a CPC model, from whole images to feature vectors.

    Args:
        model: A built `CPC` model. Its weights are shared, not copied.
        head: A `LinearHead`, a `NetworkHead`, or `None`.

    Call arguments:
        images: Float32 tensor `[B, H, W, C]`, values in `[0, 1]`, of any height
            and width from a patch on (below, nothing but `feature_map` means
            anything). Three channels are converted for an encoder of one; one is
            repeated for an encoder of three.
        training: Whether layers of the encoder behave as in training.

    Returns:
        Float32 tensor `[B, D]`, the mean over the patch grid.

    Raises:
        ValueError: If the model is another.
    """

    def __init__(self, model, head=None, **kwargs):
        super().__init__(**kwargs)
        if not hasattr(model, "encode_patches"):
            raise ValueError(f"`model` must be a `CPC` model. Received: a {type(model).__name__}")
        self.cpc = model
        self.head = head

    @property
    def channels(self):
        """Channels that the encoder itself takes."""
        return self.cpc.encoder.input_shape[-1]

    @property
    def accepted(self):
        """Channels that it takes: one and three, or those of the encoder alone where it wants neither."""
        return (1, 3) if self.channels in (1, 3) else (self.channels,)

    def call(self, images, training=False):
        return ops.mean(self.patch_grid(images, training), axis=(1, 2))

    def patch_grid(self, images, training=False):
        """The code of each patch, `[B, rows, cols, D]`, of the centre that whole patches cover."""
        patches = self.cpc.patch_extractor(self._covered(self._in_channels(images)))
        return self.cpc.encode_patches(patches, training=training)

    def feature_map(self, images, training=False):
        """The encoder's map of whole images, without patches, `[B, h, w, D]`."""
        return ops.cast(self.cpc.encoder(self._in_channels(images), training=training), "float32")

    def pooled(self, images, pooling):
        """Features by a function from `(patch_grid, feature_map)`."""
        return ops.cast(pooling(self.patch_grid(images), self.feature_map(images)), "float32")

    def probabilities(self, images):
        """What the head says, `[B, classes]`; that of a `NetworkHead`, of images that have the size of its crops."""
        if isinstance(self.head, NetworkHead):
            network = self.head.network
            crops = ops.reshape(self._in_channels(images), (-1, *network.input_shape[1:]))
            return ops.cast(network(crops, training=False), "float32")
        kernel, bias = (ops.convert_to_tensor(part, "float32") for part in (self.head.kernel, self.head.bias))
        return ops.softmax(ops.matmul(self.pooled(images, self.head.pooling), kernel) + bias)

    def _in_channels(self, images):
        given = images.shape[-1]
        if given == self.channels:
            return images
        if self.channels == 1:
            return ops.sum(images * ops.convert_to_tensor(LUMA, images.dtype), axis=-1, keepdims=True)
        return ops.repeat(images, self.channels, axis=-1)

    def _covered(self, images):
        _, *sides, _ = ops.shape(images)
        patch_size, stride = self.cpc.patch_size, self.cpc.stride
        cut_to = [patch_size + (side - patch_size) // stride * stride for side in sides]
        top, left = ((side - kept) // 2 for side, kept in zip(sides, cut_to, strict=True))
        return images[:, top : top + cut_to[0], left : left + cut_to[1]]

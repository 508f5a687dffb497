"""Cuts images into a grid of overlapping patches."""

import keras
from keras import ops


def grid_size(image_size, patch_size, stride, axis="height"):
    """Number of patches of `patch_size` at `stride` along `image_size` pixels.

    Args:
        image_size: Pixels along the axis.
        patch_size: Pixels of a patch along the axis.
        stride: Pixels from one patch to the next.
        axis: What to call the axis in an error.

    Raises:
        ValueError: If a patch is larger than the image, or if pixels at the
            edge would belong to no patch.

    Example:

    >>> grid_size(28, patch_size=12, stride=4)
    5
    """
    if patch_size > image_size:
        raise ValueError(
            f"`patch_size` must not exceed the image {axis} of {image_size} px. Received: patch_size={patch_size}"
        )
    left_over = (image_size - patch_size) % stride
    if left_over:
        raise ValueError(
            f"`stride` must divide the image {axis} less `patch_size`, "
            f"{image_size} - {patch_size} = {image_size - patch_size} px, or {left_over} px at "
            f"the edge are lost. Received: stride={stride}"
        )
    return (image_size - patch_size) // stride + 1


@keras.saving.register_keras_serializable(package="cpc_keras")
class PatchExtractor(keras.layers.Layer):
    """Cuts images into a grid of square, usually overlapping patches.

    Patch `[i, j]` holds the pixels from row `i * stride` and column
    `j * stride` on. It copies pixels by index; no convolution is involved, and
    no pixel is dropped: a geometry that does not cover the image is refused.

    Args:
        patch_size: Side of a patch in pixels.
        stride: Pixels from the start of one patch to the start of the next.

    Call arguments:
        images: Tensor `[B, H, W, C]`, any dtype. Where `H` or `W` is not known
            beforehand (in an exported model), it must be covered exactly.

    Output shape:
        `[B, rows, cols, patch_size, patch_size, C]`.

    Raises:
        ValueError: If an argument is not positive, if a patch is larger than
            the image, or if the patches leave pixels at the edge.

    Reference:
        van den Oord et al. 2018, arXiv 1807.03748, section 3.2: 7 × 7 patches of
        64 px at stride 32.

    Example:

    >>> import numpy as np
    >>> tuple(PatchExtractor(patch_size=64, stride=32)(np.zeros((2, 256, 256, 3))).shape)
    (2, 7, 7, 64, 64, 3)
    """

    def __init__(self, patch_size, stride, **kwargs):
        super().__init__(**kwargs)
        for name, value in (("patch_size", patch_size), ("stride", stride)):
            if int(value) != value or value < 1:
                raise ValueError(f"`{name}` must be a positive whole number. Received: {name}={value}")
        self.patch_size = patch_size
        self.stride = stride

    def call(self, images):
        _, height, width, _ = ops.shape(images)
        rows = self._indices(images.shape[1], height, "height")  # [rows, p]
        cols = self._indices(images.shape[2], width, "width")  # [cols, p]
        patches = ops.take(images, rows, axis=1)  # [B, rows, p, W, C]
        patches = ops.take(patches, cols, axis=3)  # [B, rows, p, cols, p, C]
        return ops.transpose(patches, (0, 1, 3, 2, 4, 5))

    def _indices(self, size, dynamic_size, axis):
        if size is None:
            count = (dynamic_size - self.patch_size) // self.stride + 1
        else:
            count = grid_size(size, self.patch_size, self.stride, axis)
        starts = ops.arange(count, dtype="int32")[:, None] * self.stride
        return starts + ops.arange(self.patch_size, dtype="int32")[None, :]

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        rows, cols = (
            None if size is None else grid_size(size, self.patch_size, self.stride, axis)
            for size, axis in ((height, "height"), (width, "width"))
        )
        return (batch, rows, cols, self.patch_size, self.patch_size, channels)

    def get_config(self):
        return {**super().get_config(), "patch_size": self.patch_size, "stride": self.stride}

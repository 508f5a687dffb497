"""Random change of the colour histogram."""

from keras import ops


def remap_histogram(patches, slopes):
    """Sends each channel's values through a rising polyline from 0 to 1.

    The range is cut into equal pieces; a piece rises in proportion to its
    slope, so that some levels are spread and others pressed together.

    Args:
        patches: Float tensor `[N, h, w, C]`, values in `[0, 1]`.
        slopes: `[N, C, pieces]`, positive.

    Reference:
        De Fauw et al. 2018 name a random change of the histogram; the papers give
        no formula, and this one is ours.

    Example:

    >>> import numpy as np
    >>> patch = np.array([0.0, 0.5, 1.0], "float32").reshape(1, 1, 3, 1)
    >>> slopes = np.array([[[1.5, 0.5]]], "float32")  # spreads the dark, presses the bright
    >>> np.asarray(remap_histogram(patch, slopes)).ravel().tolist()
    [0.0, 0.75, 1.0]
    """
    pieces = ops.shape(slopes)[-1]
    rises = slopes / ops.sum(slopes, axis=-1, keepdims=True)
    return sum(rises[:, None, None, :, piece] * ops.clip(patches * pieces - piece, 0.0, 1.0) for piece in range(pieces))

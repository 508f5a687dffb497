"""Statistics of an image that need no training: what an encoder has to beat where brightness or texture tell."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy import ndimage, stats
from skimage.color import rgb2gray, rgb2hsv
from skimage.feature import hog, local_binary_pattern
from skimage.transform import resize

from cpc_keras.backend.resources import processors

# Names this set of statistics: another set is another encoder.
VERSION = "handmade-1"
_PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
# Widths in pixels of the Gaussians behind which gradients are taken, and cells that directions are counted in.
_WIDTHS, _TURNS = (0.5, 1.0, 2.0), 8
# Neighbours and radius in pixels of local binary patterns.
_PATTERNS = ((8, 1), (16, 2))
# Gradients by place are of images of this side, in cells of so many pixels.
_HOG_SIDE, _HOG_CELL = 32, 8
# Cells of a histogram of hues.
_HUES = 8


class HandmadeFeatures:
    """Grey levels, colours, gradients and textures of images, as numbers.

    * `statistics`, wherever something is in the image: moments, percentiles and entropy of
      the grey levels; of colours mean and deviation of saturation and the hues, weighted by
      it; moments, percentiles and directions of gradients at three scales; histograms of
      uniform local binary patterns (Ojala et al. 2002).
    * `statistics_hog`: these, and histograms of oriented gradients (Dalal and Triggs 2005)
      on a grid of 4 × 4 cells, which know where.

    Call arguments:
        images: Float32 tensor `[B, H, W, C]` with 1 or 3 channels, values in `[0, 1]`.

    Returns:
        A dictionary with `statistics` and `statistics_hog`, float32 arrays `[B, D]`.

    Reference:
        Ojala et al. 2002, IEEE TPAMI 24 (7); Dalal and Triggs 2005, CVPR.

    Example:

    >>> images = np.random.default_rng(0).uniform(size=(2, 28, 28, 1)).astype("float32")
    >>> {name: values.shape for name, values in HandmadeFeatures()(images).items()}
    {'statistics': (2, 76), 'statistics_hog': (2, 204)}
    """

    def __call__(self, images):
        images = np.asarray(images, "float32")
        grey = images[..., 0] if images.shape[-1] == 1 else rgb2gray(images)
        parts = [_levels(grey), *(_gradients(grey, width) for width in _WIDTHS)]
        if images.shape[-1] == 3:
            parts.append(_colors(images))
        with ThreadPoolExecutor(processors()) as threads:
            textures, places = zip(*threads.map(_of_one, grey), strict=True)
        statistics = np.concatenate([*parts, textures], axis=1).astype("float32")
        return {
            "statistics": statistics,
            "statistics_hog": np.concatenate([statistics, np.asarray(places, "float32")], axis=1),
        }


def _levels(grey):
    """Moments, percentiles and entropy of values, `[B, 12]`."""
    flat = grey.reshape(len(grey), -1)
    counts = np.stack([np.histogram(one, 32, (0, 1))[0] for one in flat])
    return np.column_stack([_moments(flat), np.percentile(flat, _PERCENTILES, axis=1).T, stats.entropy(counts, axis=1)])


def _moments(flat):
    """Mean, deviation, skewness and kurtosis, the last two 0 of what is constant."""
    mean, deviation = flat.mean(axis=1), flat.std(axis=1)
    scaled = (flat - mean[:, None]) / np.maximum(deviation, 1e-6)[:, None]
    return np.column_stack([mean, deviation, (scaled**3).mean(axis=1), (scaled**4).mean(axis=1)])


def _gradients(grey, width):
    """Moments and percentiles of the strength of gradients, and shares of their directions, `[B, 12]`."""
    down, right = (
        ndimage.gaussian_filter(grey, (0, width, width), (0, *order), mode="nearest") for order in ((1, 0), (0, 1))
    )
    strength = np.hypot(down, right).reshape(len(grey), -1)
    cells = (np.arctan2(down, right) % np.pi / np.pi * _TURNS).astype(int).clip(0, _TURNS - 1).reshape(len(grey), -1)
    shares = np.stack([(strength * (cells == cell)).sum(axis=1) for cell in range(_TURNS)], axis=1)
    shares /= np.maximum(strength.sum(axis=1), 1e-6)[:, None]
    return np.column_stack([_moments(strength), shares])


def _colors(images):
    """Mean and deviation of saturation, and how much of each hue there is, `[B, 10]`."""
    hue, saturation, _ = np.moveaxis(rgb2hsv(images), -1, 0).reshape(3, len(images), -1)
    cells = (hue * _HUES).astype(int).clip(0, _HUES - 1)
    shares = np.stack([(saturation * (cells == cell)).mean(axis=1) for cell in range(_HUES)], axis=1)
    return np.column_stack([saturation.mean(axis=1), saturation.std(axis=1), shares])


def _of_one(grey):
    """`(patterns, gradients by place)` of an image."""
    levels = (255 * grey).round().astype("uint8")
    patterns = []
    for neighbours, radius in _PATTERNS:
        codes = local_binary_pattern(levels, neighbours, radius, "uniform")
        patterns.append(np.bincount(codes.astype(int).ravel(), minlength=neighbours + 2) / codes.size)
    small = resize(grey, (_HOG_SIDE, _HOG_SIDE), anti_aliasing=True)
    cell = (_HOG_CELL, _HOG_CELL)
    return np.concatenate(patterns), hog(small, _TURNS, cell, (1, 1), block_norm="L2")

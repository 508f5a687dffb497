"""Labelled images that tests of evaluation share."""

import numpy as np
import pytest

from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages


@pytest.fixture
def data(photographs):
    """Sky and flower, grey pieces of 16 px."""
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    images = []
    for label in labels:
        top, left = rng.integers(0, 400), rng.integers(0, 620)
        images.append(photographs[label][top : top + 16, left : left + 16].mean(axis=2, keepdims=True))
    pictures = np.stack(images).astype("uint8")
    return LabelledImages(from_arrays(pictures[:60], labels[:60]), from_arrays(pictures[60:], labels[60:]))

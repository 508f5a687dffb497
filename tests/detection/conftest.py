"""What tests of detectors share."""

import pytest

from cpc_keras.data.image_set import from_arrays
from cpc_keras.detection.data.boxed_images import BoxedImages
from cpc_keras.detection.data.boxes import make_boxes
from tests.detection.test_faster_rcnn import scenes


@pytest.fixture(scope="module")
def boxed():
    """Squares and frames on a dark ground, with their boxes."""
    images, labels = scenes()
    found = [
        make_boxes(boxes[classes >= 0], classes[classes >= 0])
        for boxes, classes in zip(labels["boxes"], labels["classes"], strict=True)
    ]
    return BoxedImages(from_arrays((255 * images).astype("uint8")), found, ("square", "frame"))

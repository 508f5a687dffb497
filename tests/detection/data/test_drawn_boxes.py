import numpy as np
import pytest
from PIL import Image, ImageOps

from cpc_keras.data.images import read_image
from cpc_keras.detection.data.drawn_boxes import place_boxes


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_that_were_drawn_before_the_image_was_turned(tmp_path, photographs, orientation):
    """A white rectangle is where its box is, on pixels as they are stored and as they are read."""
    pixels = np.zeros((40, 60, 3), "uint8")
    pixels[5:12, 20:50] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    boxes, how = place_boxes([[20, 5, 50, 12]], (60, 40), (40, 60), tmp_path / "turned.png")
    assert how == "turned"
    left, top, right, bottom = boxes[0].astype(int)
    seen = read_image(tmp_path / "turned.png")[..., 0]
    assert seen[top:bottom, left:right].min() == 255
    assert (seen == 255).sum() == (bottom - top) * (right - left)
    # Of images that were shrunk as well.
    halved, how = place_boxes([[10, 2.5, 25, 6]], (30, 20), (40, 60), tmp_path / "turned.png")
    np.testing.assert_allclose(halved, boxes)
    assert how == "turned and scaled"


def test_boxes_that_were_drawn_on_a_smaller_image():
    boxes, how = place_boxes([[1, 2, 3, 4]], (64, 48), (640, 480), None)
    assert (boxes.tolist(), how) == ([[10, 20, 30, 40]], "scaled")
    # 427 × 640 halved is 213 or 214 × 320.
    assert place_boxes([[1, 2, 3, 4]], (320, 213), (640, 427), None)[1] == "scaled"


def test_boxes_stay_where_the_size_agrees_or_is_not_stated():
    for stated in (None, (64, 48)):
        boxes, how = place_boxes([[1, 2, 3, 4]], stated, (64, 48), None)
        assert (boxes.tolist(), how) == ([[1, 2, 3, 4]], "")


@pytest.mark.parametrize("stated", [(640, 480), (48, 64)])
def test_boxes_of_another_image_are_refused(tmp_path, photographs, stated):
    image = ImageOps.fit(Image.fromarray(photographs[0]), (64, 20))
    image.save(tmp_path / "other.png")
    with pytest.raises(ValueError, match=f"is annotated as {stated[0]} × {stated[1]} px, and has 64 × 20"):
        place_boxes([[1, 2, 3, 4]], stated, (64, 20), tmp_path / "other.png")

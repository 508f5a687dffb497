import numpy as np

from cpc_keras.detection import box_coding

RNG = np.random.default_rng(0)


def test_coding_is_the_papers_and_is_undone():
    corners = RNG.uniform(0, 60, (2, 20, 2))
    boxes = np.concatenate([corners, corners + RNG.uniform(4, 40, (2, 20, 2))], axis=-1).astype("float32")
    anchors = boxes[:, ::-1].copy()
    deltas = np.asarray(box_coding.encode(anchors, boxes, (0.1, 0.1, 0.2, 0.2)))
    for image, place in np.ndindex(2, 20):
        (x, y, width, height), (anchor_x, anchor_y, anchor_width, anchor_height) = (
            ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
            for left, top, right, bottom in (boxes[image, place], anchors[image, place])
        )
        expected = [
            (x - anchor_x) / anchor_width / 0.1,
            (y - anchor_y) / anchor_height / 0.1,
            np.log(width / anchor_width) / 0.2,
            np.log(height / anchor_height) / 0.2,
        ]
        np.testing.assert_allclose(deltas[image, place], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(box_coding.decode(anchors, deltas, (0.1, 0.1, 0.2, 0.2)), boxes, atol=1e-3)


def test_wild_deltas_do_not_overflow():
    box = np.asarray(box_coding.decode([[0.0, 0, 10, 10]], np.array([[[0.0, 0, 1e4, 1e4]]])))
    assert np.isfinite(box).all()


def test_clipping_stays_in_each_image():
    boxes = np.array([[[-5.0, -5, 50, 50]], [[10.0, 10, 90, 90]]])
    clipped = np.asarray(box_coding.clip(boxes, np.array([[40, 30], [64, 80]])))
    assert clipped.tolist() == [[[0, 0, 30, 40]], [[10, 10, 80, 64]]]

import numpy as np
import tensorflow as tf

from cpc_keras.detection.proposals import detect, propose

RNG = np.random.default_rng(0)


def crowd(count=80, images=2):
    corners = RNG.uniform(0, 60, (images, count, 2))
    return np.concatenate([corners, corners + RNG.uniform(5, 40, (images, count, 2))], axis=-1).astype("float32")


def test_proposals_are_those_of_tensorflows_suppression():
    boxes, logits = crowd(), RNG.normal(size=(2, 80)).astype("float32")
    found = propose(boxes, logits, candidates=60, proposals=20, threshold=0.5).numpy()
    for image in range(2):
        likeliest = np.argsort(-logits[image])[:60]
        kept = tf.image.non_max_suppression(boxes[image][likeliest], logits[image][likeliest], 20, 0.5).numpy()
        np.testing.assert_allclose(found[image][: len(kept)], boxes[image][likeliest][kept], atol=1e-4)
        assert not found[image][len(kept) :].any()


def test_boxes_below_a_pixel_are_not_proposed():
    boxes = np.array([[[0, 0, 20, 20], [30, 30, 30.5, 40]]], "float32")
    found = propose(boxes, np.array([[0.0, 5.0]], "float32"), 10, 3, 0.7).numpy()
    assert found.tolist() == [[[0, 0, 20, 20], [0, 0, 0, 0], [0, 0, 0, 0]]]


def test_detections_are_suppressed_class_by_class():
    boxes, scores = crowd(40), RNG.uniform(size=(2, 40, 3)).astype("float32")
    by_class = np.repeat(boxes[:, :, None], 3, axis=2)
    found = {name: value.numpy() for name, value in detect(by_class, scores, 0.4, 0.3, count=100).items()}
    for image in range(2):
        expected = []
        for kind in range(3):
            of_kind = scores[image, :, kind]
            kept = tf.image.non_max_suppression(boxes[image], of_kind, 100, 0.4, 0.3).numpy()
            expected += [(of_kind[place], kind, *boxes[image][place]) for place in kept]
        expected = np.array(sorted(expected, reverse=True))
        count = found["count"][image]
        assert count == len(expected) < 100
        np.testing.assert_allclose(found["scores"][image, :count], expected[:, 0], atol=1e-6)
        np.testing.assert_array_equal(found["classes"][image, :count], expected[:, 1])
        np.testing.assert_allclose(found["boxes"][image, :count], expected[:, 2:], atol=1e-3)
        assert (found["classes"][image, count:] == -1).all()
        assert not found["scores"][image, count:].any()


def test_nothing_found_is_nothing():
    found = detect(np.ones((1, 2, 1, 4)), np.zeros((1, 2, 1)), 0.5, 0.05, count=3)
    assert found["count"].numpy().tolist() == [0]
    assert found["classes"].numpy().tolist() == [[-1, -1, -1]]

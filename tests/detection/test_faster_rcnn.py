import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.detection import FasterRCNN
from cpc_keras.models import ResNet

SMALL = {
    "anchor_sizes": (12, 24),
    "rpn_width": 16,
    "roi_size": 4,
    "head_blocks": 1,
    "head_width": 16,
    "head_bottleneck": None,
    "candidates": (128, 64),
    "proposals": (32, 16),
    "rpn_batch": 32,
    "roi_batch": 16,
}


def small_backbone(channels=1, **kwargs):
    return ResNet((8, 16), (1, 1), stem="medium", input_shape=(None, None, channels), **kwargs)


def small_detector(**kwargs):
    return FasterRCNN(small_backbone(dtype=kwargs.get("dtype")), classes=2, **{**SMALL, **kwargs})


def scenes(count=8, side=48, seed=0):
    """Bright squares (class 0) and frames (class 1) on a noisy ground, one or two an image."""
    rng = np.random.default_rng(seed)
    images = rng.uniform(0, 0.2, (count, side, side, 1)).astype("float32")
    boxes, classes = np.zeros((count, 2, 4), "float32"), np.full((count, 2), -1, "int32")
    for image in range(count):
        for place in range(1 + image % 2):
            kind, size = int(rng.integers(2)), int(rng.integers(10, 20))
            left, top = rng.integers(0, side // 2 - size // 2), rng.integers(0, side - size)
            left += place * side // 2 if left + place * side // 2 + size <= side else 0
            images[image, top : top + size, left : left + size] = 1.0
            if kind:
                images[image, top + 3 : top + size - 3, left + 3 : left + size - 3] = 0.1
            boxes[image, place], classes[image, place] = (left, top, left + size, top + size), kind
    return images, {"boxes": boxes, "classes": classes}


def compiled(detector, rate=3e-3):
    detector.compile(keras.optimizers.Adam(rate))
    return detector


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    detector = compiled(small_detector())
    images, labels = scenes()
    before = detector.evaluate(images, labels, verbose=0, return_dict=True)
    detector.fit(images, labels, epochs=160, batch_size=4, verbose=0)
    return detector, before


@pytest.mark.slow
def test_learns_to_find_what_it_was_shown(trained):
    detector, before = trained
    images, labels = scenes()
    after = detector.evaluate(images, labels, verbose=0, return_dict=True)
    assert set(after) == {"loss", "rpn_object_loss", "rpn_box_loss", "class_loss", "box_loss"}
    assert after["loss"] < 0.3 * before["loss"]
    found = detector.predict(images, verbose=0)
    for image in range(len(images)):
        for box, kind in zip(labels["boxes"][image], labels["classes"][image], strict=True):
            if kind < 0:
                continue
            likely = found["scores"][image] > 0.5
            same = found["boxes"][image][likely & (found["classes"][image] == kind)]
            over = keras.utils.bounding_boxes.compute_iou(box[None], same, "xyxy") if len(same) else np.zeros(1)
            assert np.max(over) > 0.5, (image, box, kind)


@pytest.mark.slow
def test_a_saved_detector_finds_the_same(trained, tmp_path):
    detector, _ = trained
    images, labels = scenes()
    detector.save(tmp_path / "detector.keras")
    loaded = keras.models.load_model(tmp_path / "detector.keras")
    one, two = (model.predict(images, verbose=0) for model in (detector, loaded))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
    configs = [{**model.get_config(), "backbone": None} for model in (detector, loaded)]
    assert configs[0] == configs[1]
    histories = [model.fit(images, labels, batch_size=8, verbose=0).history["loss"] for model in (detector, loaded)]
    assert histories[0] == pytest.approx(histories[1], rel=1e-5), "training goes on alike"


def test_detections_lie_in_the_image_and_fall_in_score():
    detector = small_detector(score_threshold=0.0)
    for side in ((48, 48), (37, 61)):
        found = detector(np.random.default_rng(0).uniform(size=(2, *side, 1)).astype("float32"))
        boxes, scores, count = (np.asarray(found[name]) for name in ("boxes", "scores", "count"))
        assert boxes.shape == (2, 100, 4)
        assert (count > 0).all()
        assert (boxes >= 0).all()
        assert (boxes[..., 2] <= side[1]).all()
        assert (boxes[..., 3] <= side[0]).all()
        assert (np.diff(scores, axis=1) <= 0).all()


def test_padding_is_told_from_the_image():
    """Nothing is found, or trained on, where an image was padded to the size of its neighbours."""
    detector = small_detector(score_threshold=0.0)
    images, labels = scenes(4)
    padded = np.pad(images, ((0, 0), (0, 24), (0, 16), (0, 0)))
    sizes = np.full((4, 2), 48.0, "float32")
    found = detector(padded, sizes)
    assert np.asarray(found["boxes"]).max() <= 48
    sampled = detector.respond(padded, {**labels, "sizes": sizes}, training=False)["rpn_sampled"]
    of_pixel = np.asarray(sampled).reshape(4, 18, 16, 6)
    assert of_pixel[:, :12, :12].any()
    assert not of_pixel[:, 12:].any()
    assert not of_pixel[:, :, 12:].any()


def test_images_without_boxes_teach_the_background():
    detector = compiled(small_detector())
    images, labels = scenes(4)
    empty = {"boxes": np.zeros_like(labels["boxes"]), "classes": np.full_like(labels["classes"], -1)}
    logs = detector.train_on_batch(images, empty, return_dict=True)
    assert logs["box_loss"] == logs["rpn_box_loss"] == 0.0
    assert np.isfinite(logs["loss"])
    assert logs["class_loss"] > 0


def test_difficult_objects_are_neither_trained_on_nor_background():
    detector = small_detector(rpn_batch=400, roi_batch=32)
    images, labels = scenes(4)
    plain = detector.respond(images, labels, training=False)
    marked = detector.respond(
        images, {**labels, "classes": np.where(labels["classes"] == 1, -2, labels["classes"])}, False
    )
    anchors = np.asarray(detector._first_stage(images, None, False)["anchors"])
    for image in range(4):
        hard = labels["boxes"][image][labels["classes"][image] == 1]
        easy = labels["boxes"][image][labels["classes"][image] == 0]
        objects, sampled = (np.asarray(marked[name][image]) for name in ("rpn_objects", "rpn_sampled"))
        if len(hard):
            over = np.asarray(keras.utils.bounding_boxes.compute_iou(anchors, hard, "xyxy")).max(axis=1)
            assert over.max() > 0.3
            assert not sampled[(over >= 0.3) & ~objects].any(), "not background"
        if not len(easy):
            assert not objects.any(), "not trained on"
            assert not np.asarray(marked["roi_classes"][image]).any()
    assert np.asarray(plain["rpn_objects"]).sum() > np.asarray(marked["rpn_objects"]).sum()


def test_losses_are_those_of_the_paper_summed_one_by_one():
    detector = small_detector()
    images, labels = scenes(4)
    out = {name: np.asarray(value) for name, value in detector.respond(images, labels, training=False).items()}
    total = float(detector.compute_loss(y_pred=out))

    def smooth(values, beta):
        return sum(0.5 * v * v / beta if abs(v) < beta else abs(v) - 0.5 * beta for v in values)

    expected = 0.0
    for image in range(4):
        sampled = np.flatnonzero(out["rpn_sampled"][image])
        for place in sampled:
            logit, is_object = out["objectness"][image, place], out["rpn_objects"][image, place]
            part = np.log1p(np.exp(-logit)) if is_object else np.log1p(np.exp(logit))
            if is_object:
                part += smooth(out["rpn_deltas"][image, place] - out["rpn_targets"][image, place], 1 / 9)
            expected += part / len(sampled) / 4
        sampled = np.flatnonzero(out["roi_sampled"][image])
        for place in sampled:
            kind, logits = out["roi_classes"][image, place], out["logits"][image, place]
            part = np.log(np.exp(logits).sum()) - logits[kind]
            if kind:
                part += smooth(out["deltas"][image, place, kind - 1] - out["roi_deltas"][image, place], 1.0)
            expected += part / len(sampled) / 4
    assert total == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_a_frozen_backbone_stays_as_it_is():
    detector = compiled(small_detector(freeze_backbone=True))
    before = [np.array(weight) for weight in detector.backbone.get_weights()]
    head = np.array(detector.head.get_weights()[0])
    images, labels = scenes(4)
    detector.fit(images, labels, epochs=2, verbose=0)
    for one, two in zip(before, detector.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert (head != detector.head.get_weights()[0]).any()


@pytest.mark.slow
def test_trains_in_mixed_precision():
    detector = compiled(small_detector(dtype="mixed_bfloat16"))
    images, labels = scenes()
    losses = detector.fit(images, labels, epochs=40, batch_size=4, verbose=0).history["loss"]
    assert losses[-1] < 0.6 * losses[0]
    assert {detector.rpn.kernel.dtype, detector.head.get_layer("logits").kernel.dtype} == {"float32"}
    assert detector.predict(images, verbose=0)["boxes"].dtype == np.float32


@pytest.mark.parametrize("shape", [(32, 32, 1), (None, None, 1)])
def test_refuses_what_is_no_backbone(shape):
    images = keras.Input(shape)
    x = keras.layers.Conv2D(4, 3, strides=2)(images) if shape[0] else keras.layers.GlobalAveragePooling2D()(images)
    with pytest.raises(ValueError, match="`backbone` must be a Keras model from images of any size to maps"):
        FasterRCNN(keras.Model(images, x), classes=2, **SMALL)


@pytest.mark.slow
def test_training_does_not_fall_apart_over_sizes_known_at_run_time():
    detector = compiled(small_detector())
    images, labels = scenes(8)

    def batches():
        for side in (48, 40, 44):
            yield images[:4, :side, :side], {name: value[:4] for name, value in labels.items()}

    signature = (
        tf.TensorSpec((None, None, None, 1)),
        {"boxes": tf.TensorSpec((None, None, 4)), "classes": tf.TensorSpec((None, None), tf.int32)},
    )
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature).repeat()
    assert np.isfinite(detector.fit(dataset, steps_per_epoch=3, shuffle=False, verbose=0).history["loss"]).all()

import numpy as np
import pytest

from cpc_keras.detection.average_precision import average_precision, precision_recall, voc_scores
from cpc_keras.detection.coco import coco_scores
from cpc_keras.detection.data.boxes import make_boxes

NAMES = ("cup", "plate", "spoon")


def detections(boxes=(), scores=(), classes=()):
    return {
        "boxes": np.array(boxes, "float64").reshape(-1, 4),
        "scores": np.array(scores, "float64"),
        "classes": np.array(classes, "int64"),
    }


def scene(seed, images=12, difficult=0.0):
    """Boxes on a grid, so that none overlaps with two, and detections of all qualities around them."""
    rng = np.random.default_rng(seed)
    found, truths = [], []
    for _ in range(images):
        count = int(rng.integers(0, 7))
        corners = 100.0 * np.stack([np.arange(count) % 3, np.arange(count) // 3], axis=-1)
        boxes = np.concatenate([corners, corners + rng.uniform(30, 90, (count, 2))], axis=-1).astype("float32")
        classes = rng.integers(0, 3, count)
        truths.append(make_boxes(boxes, classes, rng.random(count) < difficult))
        copies = rng.integers(0, count, 2 * count) if count else []
        moved = boxes[copies] + rng.normal(0, 6, (2 * count, 4))
        kinds = np.where(rng.random(2 * count) < 0.8, classes[copies], rng.integers(0, 3, 2 * count))
        found.append(detections(moved, rng.random(2 * count), kinds))
    return found, truths


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height)


def by_the_book(found, truths, kind, threshold, points):
    """VOC's rules, one detection after the other, and the curve read point by point."""
    listed = sorted(
        (-score, image, place)
        for image, one in enumerate(found)
        for place, (score, own) in enumerate(zip(one["scores"], one["classes"], strict=True))
        if own == kind
    )
    present = sum(int(np.sum((truth.classes == kind) & ~truth.difficult)) for truth in truths)
    taken, right, wrong, curve = set(), 0, 0, []
    for _, image, place in listed:
        box, truth = found[image]["boxes"][place], truths[image]
        over = [(iou(box, other), i) for i, other in enumerate(truth.boxes) if truth.classes[i] == kind]
        best, which = max(over, default=(0.0, -1))
        if best >= threshold and truth.difficult[which]:
            pass
        elif best >= threshold and (image, which) not in taken:
            taken.add((image, which))
            right += 1
        else:
            wrong += 1
        curve.append((right / present, right / (right + wrong) if right + wrong else 0.0))
    if points == "area":
        total, before = 0.0, 0.0
        for i, (recall, _) in enumerate(curve):
            total += (recall - before) * max(precision for _, precision in curve[i:])
            before = recall
        return total
    read = [i / (points - 1) for i in range(points)]
    return sum(max((p for r, p in curve if r >= at), default=0.0) for at in read) / points


@pytest.mark.parametrize("difficult", [0.0, 0.3])
@pytest.mark.parametrize(("points", "count"), [("area", "area"), ("11", 11)])
@pytest.mark.parametrize("threshold", [0.5, 0.75])
def test_equals_vocs_rules_read_one_by_one(points, count, threshold, difficult):
    for seed in range(5):
        found, truths = scene(seed, difficult=difficult)
        mean, by_class = voc_scores(found, truths, NAMES, threshold, points)
        expected = [by_the_book(found, truths, kind, threshold, count) for kind in range(3)]
        assert list(by_class.values()) == pytest.approx(expected, abs=1e-5)
        assert mean == pytest.approx(np.mean(expected), abs=1e-5)
        assert 0.05 < mean < 0.95


def test_equals_pycocotools_on_the_same_detections():
    """At one overlap, where both read 101 points and no box lies over two."""
    for seed in range(5):
        found, truths = scene(seed, images=30)
        ours = np.mean(
            [average_precision(*precision_recall(found, truths, kind), points="101") for kind in range(len(NAMES))]
        )
        assert ours == pytest.approx(coco_scores(found, truths, NAMES)["map_50"], abs=1e-5)


def test_coco_has_its_figures_by_size():
    found, truths = scene(0)
    scores = coco_scores(found, truths, NAMES)
    assert 0 < scores["map"] < scores["map_50"] <= 1
    assert scores["map_large"] == -1  # no box is larger than 96 px a side
    assert coco_scores([detections()] * len(truths), truths, NAMES)["map"] == 0.0


def test_coco_counts_all_detections_of_an_image():
    """More than the hundred that COCO itself would take."""
    corners = 20.0 * np.stack(np.meshgrid(np.arange(16), np.arange(16)), axis=-1).reshape(-1, 2)
    boxes = np.concatenate([corners, corners + 15], axis=-1)
    truths = [make_boxes(boxes, np.zeros(256, int))]
    assert coco_scores([detections(boxes, np.linspace(1, 0.5, 256), np.zeros(256))], truths, ("cup",))["map"] == 1.0


def test_a_second_detection_of_an_object_is_wrong():
    truths = [make_boxes([[0, 0, 10, 10]], [0])]
    found = [detections([[0, 0, 10, 10], [0, 0, 10, 9]], [0.5, 0.9], [0, 0])]
    precision, recall = precision_recall(found, truths, 0)
    assert precision.tolist() == [1.0, 0.5]
    assert recall.tolist() == [1.0, 1.0]


def test_difficult_objects_count_neither_way():
    truths = [make_boxes([[0, 0, 10, 10], [20, 20, 30, 30]], [0, 0], [True, False])]
    found = [detections([[0, 0, 10, 10], [20, 20, 30, 30]], [0.9, 0.5], [0, 0])]
    assert voc_scores(found, truths, ("cup",))[0] == 1.0
    assert voc_scores([detections()], truths, ("cup",))[0] == 0.0


def test_classes_without_an_object_are_left_out_of_the_mean():
    truths = [make_boxes([[0, 0, 10, 10]], [0])]
    found = [detections([[0, 0, 10, 10], [0, 0, 9, 9]], [0.9, 0.5], [0, 1])]
    mean, by_class = voc_scores(found, truths, NAMES)
    assert mean == 1.0
    assert by_class == {"cup": 1.0, "plate": None, "spoon": None}

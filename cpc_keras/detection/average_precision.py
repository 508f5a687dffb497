"""How well boxes are found: average precision as PASCAL VOC and COCO reckon it."""

import contextlib
import dataclasses
import io

import numpy as np

from cpc_keras.data.boxes import areas

# Recalls at which precision is read, by VOC 2007 and, to the last bit, by COCO.
_READ = {"11": np.arange(11) / 10, "101": np.linspace(0.0, 1.0, 101)}


@dataclasses.dataclass(frozen=True)
class Judgement:
    """The detections of a class by falling score, and whether they are right.

    Attributes:
        right: Boolean array `[D]`.
        wrong: Likewise; neither of both for a box that counts neither way.
        image: The image of each, int64 `[D]`.
        place: Its place among the detections of that image, likewise.
        present: How many objects each image shows, int64 `[N]`, difficult ones not
            counted.
    """

    right: np.ndarray
    wrong: np.ndarray
    image: np.ndarray
    place: np.ndarray
    present: np.ndarray


def judge(found, truths, class_index, threshold=0.5):
    """Says of each detection of a class whether it is right.

    It is if the true box that it overlaps with most is of its class, overlaps by
    `threshold`, and was not found by a better one. One whose true box is marked
    difficult counts neither way, nor does such a box when it is missed.

    Args:
        found: For each image a dictionary of arrays: `"boxes"` `[D, 4]`, left, top,
            right and bottom in pixels; `"scores"` `[D]`; `"classes"` `[D]`.
        truths: For each image a `cpc_keras.data.boxes.Boxes`.
        class_index: The class.
        threshold: Least intersection over union.

    Returns:
        A `Judgement`.

    Reference:
        Everingham et al. 2010, "The PASCAL Visual Object Classes Challenge",
        section 4.2.
    """
    rows: list[tuple] = []
    present = []
    for image, (detections, truth) in enumerate(zip(found, truths, strict=True)):
        own = truth.classes == class_index
        boxes, difficult = truth.boxes[own], truth.difficult[own]
        present.append(int(np.sum(~difficult)))
        chosen = np.flatnonzero(np.asarray(detections["classes"]) == class_index)
        scores = np.asarray(detections["scores"])[chosen]
        order = np.argsort(-scores, kind="stable")
        over = overlaps(np.asarray(detections["boxes"])[chosen[order]], boxes)
        taken = np.zeros(len(boxes), bool)
        for place, score, row in zip(chosen[order], scores[order], over, strict=True):
            best = int(row.argmax()) if len(boxes) else -1
            hit = best >= 0 and row[best] >= threshold
            if hit and difficult[best]:
                rows.append((score, False, False, image, place))
                continue
            new = bool(hit and not taken[best])
            rows.append((score, new, not new, image, place))
            if hit:
                taken[best] = True
    order = np.argsort([-row[0] for row in rows], kind="stable")
    table = np.array([rows[index][1:] for index in order], "int64").reshape(-1, 4)
    return Judgement(table[:, 0] > 0, table[:, 1] > 0, table[:, 2], table[:, 3], np.array(present, "int64"))


def precision_recall(found, truths, class_index, threshold=0.5):
    """Precision and recall of one class as the score falls.

    Args:
        found: As for `judge`.
        truths: Likewise.
        class_index: Likewise.
        threshold: Likewise.

    Returns:
        `(precision, recall)`, float64 arrays over detections by falling score;
        recall is NaN where the class has no object.
    """
    judged = judge(found, truths, class_index, threshold)
    hits, misses = np.cumsum(judged.right), np.cumsum(judged.wrong)
    precision = hits / np.maximum(hits + misses, 1)
    present = judged.present.sum()
    return precision, hits / present if present else np.full(len(hits), np.nan)


def average_precision(precision, recall, points="area"):
    """One number for a curve.

    Args:
        precision: As of `precision_recall`.
        recall: Likewise.
        points: `"area"`, the area below the curve of the highest precision at a
            recall or beyond (VOC from 2010 on); or the number of recalls at which
            that precision is read and averaged: `"11"` as VOC 2007 does, `"101"` as
            COCO.

    Returns:
        A number in `[0, 1]`, 0 without detections.

    Example:

    >>> import numpy as np
    >>> average_precision(np.array([1.0, 0.5]), np.array([0.5, 0.5]))
    0.5
    >>> round(average_precision(np.array([1.0, 0.5]), np.array([0.5, 0.5]), "11"), 3)
    0.545
    """
    if not len(recall):
        return 0.0
    best = np.maximum.accumulate(precision[::-1])[::-1]
    if points == "area":
        steps = np.diff(np.concatenate([[0.0], recall]))
        return float(np.sum(steps * best))
    place = np.searchsorted(recall, _READ[points], side="left")
    return float(np.mean(np.where(place < len(best), best[np.minimum(place, len(best) - 1)], 0.0)))


def voc_scores(found, truths, class_names, threshold=0.5, points="area"):
    """Average precision by class.

    Args:
        found: As for `judge`.
        truths: Likewise.
        class_names: Names by class.
        threshold: As for `judge`.
        points: As for `average_precision`.

    Returns:
        `(mean, by_class)`: the mean over classes that have a true box, and a
        dictionary of all classes, `None` for those that have none.
    """
    by_class: dict[str, float | None] = {}
    for index, name in enumerate(class_names):
        there = any(np.any((truth.classes == index) & ~truth.difficult) for truth in truths)
        precision, recall = precision_recall(found, truths, index, threshold)
        by_class[name] = average_precision(precision, recall, points) if there else None
    known = [value for value in by_class.values() if value is not None]
    return (float(np.mean(known)) if known else 0.0), by_class


def coco_scores(found, truths, class_names):
    """COCO's figures, by `pycocotools`, of all detections (COCO itself takes the best hundred of an image).

    Difficult boxes are handed over as crowds, which COCO counts neither way.

    Args:
        found: As for `judge`.
        truths: Likewise.
        class_names: Names by class.

    Returns:
        A dictionary: `"map"` (mean over overlaps 0.50 to 0.95), `"map_50"`,
        `"map_75"`, and of small, medium and large objects `"map_small"`,
        `"map_medium"` and `"map_large"`; -1 where there are none of them.

    Reference:
        Lin et al. 2014, arXiv 1405.0312.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    annotations: list[dict] = []
    for image, truth in enumerate(truths, start=1):
        for box, kind, difficult, area in zip(
            truth.boxes, truth.classes, truth.difficult, areas(truth.boxes), strict=True
        ):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(kind) + 1,
                    "bbox": _as_coco(box).tolist(),
                    "area": float(area),
                    "iscrowd": int(difficult),
                }
            )
    results = [
        {"image_id": image, "category_id": int(kind) + 1, "bbox": _as_coco(box).tolist(), "score": float(score)}
        for image, one in enumerate(found, start=1)
        for box, kind, score in zip(one["boxes"], one["classes"], one["scores"], strict=True)
        if kind >= 0
    ]
    names = ("map", "map_50", "map_75", "map_small", "map_medium", "map_large")
    if not results:
        return dict.fromkeys(names, 0.0)
    truth = COCO()
    with contextlib.redirect_stdout(io.StringIO()):  # it tells what it does
        truth.dataset = {
            "images": [{"id": image} for image in range(1, len(truths) + 1)],
            "annotations": annotations,
            "categories": [{"id": index + 1, "name": name} for index, name in enumerate(class_names)],
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.params.maxDets = [1, 10, max(100, *(len(one["scores"]) for one in found))]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][..., -1]  # overlaps, recalls, classes, sizes
    sized = [precision[..., size] for size in range(4)]  # of all sizes, small, medium and large
    parts = (sized[0], sized[0][0], sized[0][5], *sized[1:])
    return {name: _mean_known(part) for name, part in zip(names, parts, strict=True)}


def _mean_known(values):
    """The mean of those that are not -1, or -1 if all are."""
    known = values[values > -1]
    return float(known.mean()) if known.size else -1.0


def overlaps(boxes, true_boxes):
    """Intersection over union of boxes `[D, 4]` with true ones `[M, 4]`, `[D, M]`."""
    from pycocotools import mask

    if not len(boxes) or not len(true_boxes):
        return np.zeros((len(boxes), len(true_boxes)))
    return mask.iou(_as_coco(boxes), _as_coco(true_boxes), [0] * len(true_boxes))


def _as_coco(boxes):
    """Left, top, right and bottom to left, top, width and height."""
    corner, opposite = np.split(np.asarray(boxes, dtype="float64"), 2, axis=-1)
    return np.concatenate([corner, opposite - corner], axis=-1)

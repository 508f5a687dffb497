"""How well boxes are found: average precision as PASCAL VOC computes it."""

import dataclasses

import numpy as np

from cpc_keras.detection.coco import overlaps

# Recalls at which precision is read, by VOC 2007 and, to the last bit, by COCO.
_READ = {"11": np.arange(11) / 10, "101": np.linspace(0.0, 1.0, 101)}


@dataclasses.dataclass(frozen=True)
class Matches:
    """The detections of a class by falling score, and whether they are right.

    Attributes:
        right: Boolean array `[D]`.
        wrong: Boolean array `[D]`; neither of both for a box that counts neither way.
        image: The image of each, int64 `[D]`.
        place: Its place among the detections of that image, int64 `[D]`.
        present: How many objects each image shows, int64 `[N]`, difficult ones not
            counted.
    """

    right: np.ndarray
    wrong: np.ndarray
    image: np.ndarray
    place: np.ndarray
    present: np.ndarray


def match_detections(found, truths, class_index, threshold=0.5):
    """Says of each detection of a class whether it is right.

    It is if the true box that it overlaps with most is of its class, overlaps by
    `threshold`, and was not found by a better one. One whose true box is marked
    difficult counts neither way, nor does such a box when it is missed.

    Args:
        found: For each image a dictionary of arrays: `"boxes"` `[D, 4]`, left, top,
            right and bottom in pixels; `"scores"` `[D]`; `"classes"` `[D]`.
        truths: For each image a `cpc_keras.detection.data.boxes.Boxes`.
        class_index: The class.
        threshold: Least intersection over union.

    Returns:
        A `Matches`.

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
    return Matches(table[:, 0] > 0, table[:, 1] > 0, table[:, 2], table[:, 3], np.array(present, "int64"))


def precision_recall(found, truths, class_index, threshold=0.5):
    """Precision and recall of one class as the score falls.

    Args:
        found: For each image a dictionary of arrays: `"boxes"` `[D, 4]`, left, top,
            right and bottom in pixels; `"scores"` `[D]`; `"classes"` `[D]`.
        truths: For each image a `cpc_keras.detection.data.boxes.Boxes`.
        class_index: The class.
        threshold: Least intersection over union.

    Returns:
        `(precision, recall)`, float64 arrays over detections by falling score;
        recall is NaN where the class has no object.
    """
    matches = match_detections(found, truths, class_index, threshold)
    hits, misses = np.cumsum(matches.right), np.cumsum(matches.wrong)
    precision = hits / np.maximum(hits + misses, 1)
    present = matches.present.sum()
    return precision, hits / present if present else np.full(len(hits), np.nan)


def average_precision(precision, recall, points="area"):
    """One number for a curve.

    Args:
        precision: Float array `[D]`, by falling score.
        recall: Float array `[D]`, by falling score.
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
        found: For each image a dictionary of arrays: `"boxes"` `[D, 4]`, left, top,
            right and bottom in pixels; `"scores"` `[D]`; `"classes"` `[D]`.
        truths: For each image a `cpc_keras.detection.data.boxes.Boxes`.
        class_names: Names by class.
        threshold: Least intersection over union.
        points: `"area"`, the area below the curve of the highest precision at a recall
            or beyond (VOC from 2010 on); or the number of recalls at which that
            precision is read and averaged: `"11"` as VOC 2007 does, `"101"` as COCO.

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

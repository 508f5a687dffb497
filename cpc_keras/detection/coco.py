"""COCO's figures, and how boxes overlap, by `pycocotools`."""

import contextlib
import io

import numpy as np

from cpc_keras.detection.data.boxes import areas


def coco_scores(found, truths, class_names):
    """COCO's figures, by `pycocotools`, of all detections (COCO itself takes the best hundred of an image).

    Difficult boxes are handed over as crowds, which COCO counts neither way.

    Args:
        found: For each image a dictionary of arrays: `"boxes"` `[D, 4]`, left, top,
            right and bottom in pixels; `"scores"` `[D]`; `"classes"` `[D]`.
        truths: For each image a `cpc_keras.detection.data.boxes.Boxes`.
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

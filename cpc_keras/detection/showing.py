"""What of an image's detections is worth a picture."""

import numpy as np

from cpc_keras.detection.average_precision import match_detections
from cpc_keras.detection.coco import overlaps


def worth_showing(found, truth, classes, least_score=0.5, threshold=0.5):
    """The likelier detections of an image, which of them are right, and what they miss.

    Args:
        found: Dictionary of `"boxes"` `[D, 4]`, `"scores"` `[D]` and `"classes"` `[D]`.
        truth: A `cpc_keras.detection.data.boxes.Boxes`.
        classes: Number of classes.
        least_score: Detections of a lower score are left out.
        threshold: Overlap from which on a detection is right.

    Returns:
        `(found, right, missed)`: a dictionary as before, booleans `[D']`, and boxes
        `[M, 4]`.

    Example:

    >>> from cpc_keras.detection.data.boxes import make_boxes
    >>> found = {"boxes": np.array([[0, 0, 9, 9], [50, 50, 60, 60]]), "scores": np.array([0.9, 0.8]),
    ...          "classes": np.array([0, 0])}
    >>> _, right, missed = worth_showing(found, make_boxes([[0, 0, 9, 9], [20, 20, 30, 30]], [0, 0]), classes=1)
    >>> right.tolist(), missed.tolist()
    ([True, False], [[20.0, 20.0, 30.0, 30.0]])
    """
    likely = np.asarray(found["scores"]) >= least_score
    found = {name: np.asarray(values)[likely] for name, values in found.items()}
    right = np.zeros(len(found["scores"]), bool)
    missed = []
    for kind in range(classes):
        matches = match_detections([found], [truth], kind, threshold)
        right[matches.place[matches.right]] = True
        own = truth.boxes[(truth.classes == kind) & ~truth.difficult]
        over = overlaps(own, found["boxes"][right & (found["classes"] == kind)])
        missed.append(own[~(over >= threshold).any(axis=1)])
    return found, right, np.concatenate(missed)

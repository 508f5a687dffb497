"""How sure a mean average precision is."""

import math

import numpy as np

from cpc_keras.detection.average_precision import match_detections
from cpc_keras.evaluation.intervals import interval


class ScoredDetections:
    """Every detection matched once, so that the mean AP of any resample of the images is quickly computed.

    Args:
        found: For each image a dictionary of arrays: `"boxes"` `[D, 4]`, left, top,
            right and bottom in pixels; `"scores"` `[D]`; `"classes"` `[D]`.
        truths: For each image a `cpc_keras.detection.data.boxes.Boxes`.
        classes: Number of classes.
        threshold: Least intersection over union.
    """

    def __init__(self, found, truths, classes, threshold=0.5):
        self.classes = [match_detections(found, truths, index, threshold) for index in range(classes)]

    def mean_ap(self, times=None):
        """The mean over classes of the area below precision and recall.

        Args:
            times: How often each image is in the resample, `[N]`; once if `None`.
        """
        values = []
        for one in self.classes:
            weights = np.ones(len(one.present)) if times is None else times
            present = float(np.sum(one.present * weights))
            if not present:
                continue
            each = weights[one.image]
            hits = np.cumsum(one.right * each)
            misses = np.cumsum(one.wrong * each)
            precision = hits / np.maximum(hits + misses, np.finfo("float64").eps)
            best = np.maximum.accumulate(precision[::-1])[::-1]
            values.append(float(np.sum(one.right * each * best) / present))
        return float(np.mean(values)) if values else 0.0


def map_interval(scored, others=None, resamples=200, seed=0):
    """A mean AP, or by how much one is ahead, with its 95 % interval.

    Label subsets and test images are both samples: Student's t over the
    subsets, and over resamples of the images (the bootstrap) the deviation of the
    mean.

    Args:
        scored: A `ScoredDetections` for each label subset.
        others: Those of a rival on the same subsets and images, to be subtracted.
        resamples: How many.
        seed: Of the resamples.

    Returns:
        `(mean, low, high)`; of one subset and one image the ends are NaN, for then
        nothing tells how sure it is.
    """
    count = len(scored[0].classes[0].present)
    rng = np.random.default_rng(seed)

    def by_subset(times=None):
        mine = np.array([one.mean_ap(times) for one in scored])
        return mine if others is None else mine - np.array([one.mean_ap(times) for one in others])

    values = by_subset()
    if count < 2 and len(values) < 2:
        return float(values.mean()), math.nan, math.nan
    draws = [by_subset(rng.multinomial(count, np.full(count, 1 / count))).mean() for _ in range(resamples)]
    return interval(values, np.std(draws, ddof=1))

"""The pictures of a report."""

from cpc_keras.plots.curves import ablation_bars, label_curve, learning_dynamics, loss_curve
from cpc_keras.plots.detections import detection_curve, found_boxes
from cpc_keras.plots.galleries import mistake_grid, neighbour_grid, patch_grid, patch_predictions
from cpc_keras.plots.lettering import missing_letters
from cpc_keras.plots.maps import confusion, embedding_map
from cpc_keras.plots.trials import trials

__all__ = [
    "ablation_bars",
    "confusion",
    "detection_curve",
    "embedding_map",
    "found_boxes",
    "label_curve",
    "learning_dynamics",
    "loss_curve",
    "missing_letters",
    "mistake_grid",
    "neighbour_grid",
    "patch_grid",
    "patch_predictions",
    "trials",
]

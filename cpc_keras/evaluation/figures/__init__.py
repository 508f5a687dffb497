"""The pictures of a report."""

from cpc_keras.evaluation.figures.curves import ablation_bars, label_curve, learning_dynamics, loss_curve
from cpc_keras.evaluation.figures.galleries import neighbour_grid, patch_grid, patch_picks
from cpc_keras.evaluation.figures.maps import confusion, embedding_map

__all__ = [
    "ablation_bars",
    "confusion",
    "embedding_map",
    "label_curve",
    "learning_dynamics",
    "loss_curve",
    "neighbour_grid",
    "patch_grid",
    "patch_picks",
]

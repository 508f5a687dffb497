"""A recipe in figures before anything is trained: geometry, weights, FLOPs, memory, hours, warnings."""

from cpc_keras.describing.describe import describe
from cpc_keras.describing.recipe_figures import figures

__all__ = ["describe", "figures"]

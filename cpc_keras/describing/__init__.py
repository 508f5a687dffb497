"""A recipe in figures before anything is trained: geometry, weights, FLOPs, memory, hours, warnings."""

from cpc_keras.extras import on_demand

_HOMES = {"describe": "description", "figures": "recipe_figures"}
__all__ = [*_HOMES]
__getattr__, __dir__ = on_demand(__name__, _HOMES)

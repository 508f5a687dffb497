"""Artefacts that others consume without this package."""

from cpc_keras.extras import on_demand

_HOMES = {
    "ImageFeatures": "image_features",
    "LinearHead": "image_features",
    "convert": "other_formats",
    "save": "saved_model",
    "save_detector": "detector",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = on_demand(__name__, _HOMES)

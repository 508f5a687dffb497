"""Artefacts that others consume without this package."""

import functools

from cpc_keras.backend.keras_settings import check_tensorflow
from cpc_keras.extras import on_demand

_HOMES = {
    "ImageFeatures": "image_features",
    "LinearHead": "image_features",
    "NetworkHead": "image_features",
    "convert": "other_formats",
    "save": "saved_model",
    "save_detector": "detector",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = on_demand(__name__, _HOMES, functools.partial(check_tensorflow, "cpc_keras.export"))

"""Probes on frozen features, trained networks, and the curve of both over label budgets."""

import functools

from cpc_keras.backend.keras_settings import check_tensorflow
from cpc_keras.extras import on_demand

_HOMES = {
    "EncoderFeatures": "features",
    "KNNProbe": "probes",
    "LinearProbe": "probes",
    "METHODS": "methods",
    "NetworkClassifier": "classifier",
    "PixelFeatures": "features",
    "extract": "features",
    "label_efficiency": "efficiency",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = on_demand(__name__, _HOMES, functools.partial(check_tensorflow, "cpc_keras.evaluation"))

"""Artefacts that others consume without this package."""

from cpc_keras.export.detector import save_detector
from cpc_keras.export.image_features import ImageFeatures, LinearHead
from cpc_keras.export.other_formats import convert
from cpc_keras.export.saved_model import save

__all__ = ["ImageFeatures", "LinearHead", "convert", "save", "save_detector"]

"""Keras layers: patches, their augmentation and their normalisation."""

from cpc_keras.layers.patch_augmentation import PatchAugmentation
from cpc_keras.layers.patch_extractor import PatchExtractor
from cpc_keras.layers.spatial_layer_normalization import SpatialLayerNormalization

__all__ = ["PatchAugmentation", "PatchExtractor", "SpatialLayerNormalization"]

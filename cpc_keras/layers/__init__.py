"""Keras layers: patches, their augmentation, normalisation and pooling."""

from cpc_keras.layers.grid_pooling import GridPooling
from cpc_keras.layers.patch_augmentation import PatchAugmentation
from cpc_keras.layers.patch_extractor import PatchExtractor
from cpc_keras.layers.spatial_layer_normalization import SpatialLayerNormalization

__all__ = ["GridPooling", "PatchAugmentation", "PatchExtractor", "SpatialLayerNormalization"]

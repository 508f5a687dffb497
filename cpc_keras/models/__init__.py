"""Encoders, the context network and the CPC model."""

from cpc_keras.models.context_network import ContextNetwork
from cpc_keras.models.cpc import CPC
from cpc_keras.models.resnet import ResNet, ResNet18, ResNet50

__all__ = ["CPC", "ContextNetwork", "ResNet", "ResNet18", "ResNet50"]

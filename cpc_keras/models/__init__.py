"""Encoders, the context network, the CPC model and classifier heads."""

from cpc_keras.models.context_network import ContextNetwork
from cpc_keras.models.cpc import CPC
from cpc_keras.models.heads import ClassifierHead
from cpc_keras.models.resnet import ResNet
from cpc_keras.models.resnet_family import ResNet18, ResNet34, ResNet50, ResNet101, ResNet152, ResNet161, ResNet170

__all__ = [
    "CPC",
    "ClassifierHead",
    "ContextNetwork",
    "ResNet",
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "ResNet161",
    "ResNet170",
]

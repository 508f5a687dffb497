"""Probes on frozen features, trained networks, and the curve of both over label budgets."""

from cpc_keras.evaluation.efficiency import label_efficiency
from cpc_keras.evaluation.features import EncoderViews, PixelViews, extract
from cpc_keras.evaluation.networks import NetworkClassifier
from cpc_keras.evaluation.probes import KNNProbe, LinearProbe

__all__ = ["EncoderViews", "KNNProbe", "LinearProbe", "NetworkClassifier", "PixelViews", "extract", "label_efficiency"]

"""Frozen-feature probes and the supervised rival."""

from cpc_keras.evaluation.features import EncoderViews, PixelViews, extract
from cpc_keras.evaluation.probes import KNNProbe, LinearProbe
from cpc_keras.evaluation.supervised import SupervisedBaseline

__all__ = ["EncoderViews", "KNNProbe", "LinearProbe", "PixelViews", "SupervisedBaseline", "extract"]

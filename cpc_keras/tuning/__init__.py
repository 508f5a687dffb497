"""Searches for hyperparameters inside a few labels, by keras-tuner."""

from cpc_keras.extras import check_installed

check_installed(("keras_tuner",), "tuning", "cpc_keras.tuning")

from cpc_keras.tuning.hypermodel import LabelFractionHyperModel  # noqa: E402

__all__ = ["LabelFractionHyperModel"]

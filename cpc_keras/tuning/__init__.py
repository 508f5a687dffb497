"""Searches for hyperparameters inside a few labels, by keras-tuner.

Needs keras-tuner: `pip install 'cpc-keras[tuning]'`.
"""

import functools

from cpc_keras.extras import check_installed, on_demand

_HOMES = {"LabelFractionHyperModel": "hypermodel", "PropagationHyperModel": "propagation"}
__all__ = [*_HOMES]
__getattr__, __dir__ = on_demand(
    __name__, _HOMES, functools.partial(check_installed, ("keras_tuner",), "tuning", "cpc_keras.tuning")
)

"""Label-efficient image recognition for Keras with Contrastive Predictive Coding."""

import importlib

from cpc_keras.onednn import ask_for_onednn

__version__ = "0.1.0"

# Names are imported when first asked for: `cpc-keras --help` must not wake Keras.
_HOMES = {"CPC": "cpc_keras.models"}
_MODULES = ("data", "evaluation", "export", "layers", "losses", "models", "optimizers")

__all__ = [*_HOMES, *_MODULES]

ask_for_onednn()


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"cpc_keras.{name}")
    raise AttributeError(f"module 'cpc_keras' has no attribute {name!r}")


def __dir__():
    return sorted(set(globals()) | set(__all__))

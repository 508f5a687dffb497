"""Artefacts that others consume without this package."""

from cpc_keras.export.saved_model import save

__all__ = ["save"]

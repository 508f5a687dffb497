"""Label-efficient image recognition for Keras with Contrastive Predictive Coding."""

from cpc_keras.backend.onednn import ask_for_onednn
from cpc_keras.backend.resources import limit_threads
from cpc_keras.backend.saved_classes import register_on_demand
from cpc_keras.extras import on_demand

__version__ = "0.1.0"

# Imported when first asked for: `cpc-keras --help` must not wake Keras.
_HOMES = {
    "CPC": "models",
    "load": "export.loading",
    **dict.fromkeys(("data", "evaluation", "export", "layers", "losses", "models")),
    **dict.fromkeys(("optimizers", "semi_supervised")),
}
__all__ = [*_HOMES]
__getattr__, __dir__ = on_demand(__name__, _HOMES)

ask_for_onednn()
limit_threads()
register_on_demand()

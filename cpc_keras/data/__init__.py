"""Images from TensorFlow Datasets and from folders, with labels or without."""

from cpc_keras.extras import on_demand

_HOMES = {
    "ImageSet": "image_set",
    "encoding_batches": "pipeline",
    "nested_subsets": "label_subsets",
    "open_source": "sources",
    "prepare": "preparation",
    "source_splits": "sources",
    "training_batches": "pipeline",
}
__all__ = [*_HOMES]
__getattr__, __dir__ = on_demand(__name__, _HOMES)

"""Images from TensorFlow Datasets and from folders."""

from cpc_keras.data.image_set import ImageSet, prepare
from cpc_keras.data.label_subsets import nested_subsets
from cpc_keras.data.pipeline import encoding_batches, training_batches
from cpc_keras.data.sources import open_source, source_splits

__all__ = [
    "ImageSet",
    "encoding_batches",
    "nested_subsets",
    "open_source",
    "prepare",
    "source_splits",
    "training_batches",
]

"""The classes that saved models name: Keras finds them although nothing has imported their modules yet."""

import importlib

from cpc_keras.backend.keras_import import when_keras_is_imported

PACKAGE = "cpc_keras"
# Every class that is registered with Keras, and the module that does so.
HOMES = {
    "AveragedAdamW": "optimizers.averaged_adamw",
    "CPC": "models.cpc",
    "ContextNetwork": "models.context_network",
    "Convolution": "layers.convolution",
    "FasterRCNN": "detection.faster_rcnn",
    "GridPooling": "layers.grid_pooling",
    "PatchAugmentation": "layers.patch_augmentation",
    "PatchExtractor": "layers.patch_extractor",
    "RunSchedule": "optimizers.run_schedule",
    "SpatialLayerNormalization": "layers.spatial_layer_normalization",
    "StrongAugmentation": "semi_supervised.augmentation",
    "WarmUp": "optimizers.warm_up",
}


def register_on_demand():
    """Has `keras.models.load_model` find this package's classes once Keras is there, which it does not wake."""
    when_keras_is_imported(_register)


def _register():
    import keras

    known = keras.saving.get_custom_objects()
    for name, home in HOMES.items():
        known.setdefault(f"{PACKAGE}>{name}", _stand_in(name, f"{PACKAGE}.{home}"))


def _stand_in(name, module):
    """What makes objects of a class whose module it imports then; the module registers the class in its place."""

    def from_config(config):
        return getattr(importlib.import_module(module), name).from_config(config)

    return type(name, (), {"from_config": staticmethod(from_config), "__doc__": f"Stands for `{module}.{name}`."})

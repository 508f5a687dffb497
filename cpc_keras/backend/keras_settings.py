"""What users have set for Keras, in `keras.json` and the environment, and what this package needs."""

import os

from cpc_keras.errors import InputError

# Commands compute in TensorFlow, channels last and in float32 unless a recipe says otherwise, and all of their steps.
# A folder that cannot be there has no `keras.json`, and Keras writes none.
_OF_COMMANDS = {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": os.devnull, "KERAS_NNX_ENABLED": "0"}
_NOT_FOR_COMMANDS = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")


def settle_for_commands():
    """Has Keras compute as commands need it, whatever the user has set; to be called before it is imported.

    Returns:
        Variables of the environment that say otherwise, `NAME=VALUE` each; the files of Keras are passed over silently.
    """
    said = os.environ.get("KERAS_BACKEND") or "tensorflow"
    left_out = [f"KERAS_BACKEND={said}"] if said != "tensorflow" else []
    left_out += [f"{name}={os.environ.pop(name)}" for name in _NOT_FOR_COMMANDS if name in os.environ]
    os.environ.update(_OF_COMMANDS)
    return left_out


def check_channels_last(model, argument):
    """Raises `ValueError` if a layer of a model wants channels first, as `keras.json` may say.

    Args:
        model: A `keras.Model`, or a layer.
        argument: What messages call it.
    """
    for layer in getattr(model, "_flatten_layers", list)():
        if getattr(layer, "data_format", None) == "channels_first":
            raise ValueError(
                f"`{argument}` must be built with keras.config.set_image_data_format('channels_last'), or without "
                f"channels_first in the file keras.json. Received: {layer.name} with data_format='channels_first'"
            )


def check_tensorflow(what):
    """Raises `InputError` where Keras computes by another backend.

    Args:
        what: What messages say needs TensorFlow.
    """
    import keras

    found = keras.backend.backend()
    if found != "tensorflow":
        raise InputError(
            f"`{what}` needs Keras on TensorFlow, see KERAS_BACKEND and the file keras.json. Received: {found!r}"
        )

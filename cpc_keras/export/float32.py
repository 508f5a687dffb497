"""A model as it is exported: in float32, with averaged weights."""

import json

import keras

from cpc_keras.optimizers import averaged_weights


def in_float32(model):
    """The same model, computing in float32, with averaged weights where its optimizer keeps them.

    Args:
        model: A `CPC` model or a detector, built.

    Returns:
        A model of its own.

    Raises:
        ValueError: If the model is not built.
    """
    if not model.built:
        raise ValueError("`model` must be built, by `fit` or a call on images. Received: one that has seen no images")
    config = json.dumps(keras.saving.serialize_keras_object(model))
    for narrow in ("mixed_bfloat16", "mixed_float16"):
        config = config.replace(f'"{narrow}"', '"float32"')
    # A loaded program, as an exported encoder is, counts as unsafe to Keras; this one runs already.
    copy = keras.saving.deserialize_keras_object(json.loads(config), safe_mode=False)
    if not copy.built:
        copy.build(model.get_build_config()["input_shape"])
    with averaged_weights(model):
        copy.set_weights(model.get_weights())
    return copy

"""What a detector may stand on."""

import pathlib

import keras
from keras import ops

from cpc_keras.backend.keras_settings import check_channels_last
from cpc_keras.errors import InputError, first_line
from cpc_keras.storage.plain_paths import is_plain

# How an exported encoder is called for its map.
_MAP, _MAP_TRAIN = "serve_feature_map", "serve_feature_map_train"
# A side in pixels that every stride in use divides.
_PROBE = 512


def copied(backbone, precision="auto", new_weights_seed=None):
    """A backbone of the same architecture.

    Args:
        backbone: A `keras.Model`.
        precision: Its dtype policy; `"auto"` leaves it as it is.
        new_weights_seed: Whole number with which new weights are drawn; `None`
            copies those of the backbone.

    Returns:
        A `keras.Model` of its own.
    """
    config = keras.saving.serialize_keras_object(backbone)
    if precision != "auto":
        config = _with_policy(config, precision)
    if new_weights_seed is not None:
        keras.utils.set_random_seed(new_weights_seed)
    copy = keras.saving.deserialize_keras_object(config, safe_mode=False)  # it runs already
    if new_weights_seed is None:
        copy.set_weights(backbone.get_weights())
    return copy


def _with_policy(config, policy):
    """A serialised model whose layers have another dtype policy; inputs and loaded programs are as they are."""
    if isinstance(config, list):
        return [_with_policy(one, policy) for one in config]
    if not isinstance(config, dict) or config.get("class_name") in ("InputLayer", "TFSMLayer"):
        return config
    if config.get("class_name") == "DTypePolicy":
        return {**config, "config": {**config["config"], "name": policy}}
    return {key: _with_policy(value, policy) for key, value in config.items()}


def open_backbone(path, channels, argument="--backbone"):
    """A backbone from a file.

    Args:
        path: Folder of an exported encoder (`cpc-keras export`), or a `.keras` file of
            an encoder, a `CPC` model or a classifier with an encoder in it.
        channels: Channels of the images.
        argument: What messages call it.

    Returns:
        A `keras.Model` from images to maps.

    Raises:
        InputError: If there is none in it.
    """
    path = pathlib.Path(path)
    if path.suffix != ".keras" and not is_plain(path):  # a detector's file keeps the path, and is read by it again
        raise InputError(
            f"`{argument}` must be a path without [, ], *, ?, {{, }} and \\ where it is an exported encoder. "
            f"Received: {path}"
        )
    try:
        if path.suffix == ".keras":
            backbone = _part_with_map(keras.models.load_model(path))
        else:
            layer = keras.layers.TFSMLayer(str(path), call_endpoint=_MAP, call_training_endpoint=_MAP_TRAIN)
            images = keras.Input((None, None, channels), name="images")
            backbone = keras.Model(images, layer(images), name="saved_backbone")
    except Exception as error:  # whatever a foreign file does
        reason = first_line(error)
        raise InputError(
            f"`{argument}` must be a .keras file or an exported encoder. Received: {path} ({reason})"
        ) from error
    if backbone is None or backbone.input_shape[-1] != channels:
        what = "none in it" if backbone is None else f"one for {backbone.input_shape[-1]} channels"
        raise InputError(
            f"`{argument}` must hold an encoder from images of any size and {channels} channels to maps. "
            f"Received: {path} with {what}"
        )
    try:
        stride_and_depth(backbone)
    except ValueError as error:
        raise InputError(f"`{argument}` must hold an encoder of a whole stride. Received: {path} ({error})") from error
    return backbone


def _part_with_map(model):
    """The model, or the largest one inside it, that turns images of any size into maps."""
    if hasattr(model, "encoder"):
        return _part_with_map(model.encoder)
    found = [part for part in [model, *model._flatten_layers(include_self=False)] if _is_backbone(part)]
    return max(found, key=lambda part: part.count_params(), default=None)


def _is_backbone(part):
    if not isinstance(part, keras.Model) or not hasattr(part, "input_shape"):
        return False
    shapes = part.input_shape, part.output_shape
    return all(isinstance(shape, tuple) and len(shape) == 4 for shape in shapes) and shapes[0][1:3] == (None, None)


def stride_and_depth(backbone):
    """Pixels of the image to one of a backbone's map, and the map's channels.

    Raises:
        ValueError: If the backbone does not turn images of any size into maps, or has channels first.
    """
    check_channels_last(backbone, "backbone")
    shape = getattr(backbone, "input_shape", None)
    found = None
    if isinstance(shape, tuple) and len(shape) == 4 and shape[1:3] == (None, None):
        found = backbone.compute_output_shape((None, _PROBE, _PROBE, shape[-1]))
        if len(found) == 4 and found[1] is None:  # a loaded program says it only of an image
            found = tuple(backbone(ops.zeros((1, _PROBE, _PROBE, shape[-1]))).shape)
    if found is None or len(found) != 4 or found[1] != found[2] or _PROBE % found[1]:
        raise ValueError(
            "`backbone` must be a Keras model from images of any size to maps of a whole stride. "
            f"Received: one from {shape} to {getattr(backbone, 'output_shape', None)}"
        )
    return _PROBE // found[1], found[3]

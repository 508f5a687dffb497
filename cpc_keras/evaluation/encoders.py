"""Encoders that are compared: CPC at a checkpoint, untrained, raw pixels, or any other."""

import dataclasses
import pathlib
import re
from collections.abc import Callable

import keras
import tensorflow as tf

from cpc_keras.errors import InputError
from cpc_keras.evaluation.features import EncoderFeatures, MapFeatures, PixelFeatures
from cpc_keras.evaluation.methods import SCRATCH
from cpc_keras.storage import digests
from cpc_keras.storage.names import written
from cpc_keras.storage.plain_paths import plain_path

# What every encoder is compared with, without being asked for.
BASELINES = ("untrained", "pixels", "handmade")


@dataclasses.dataclass
class Encoder:
    """An encoder with its name in the records.

    Attributes:
        name: `"cpc"`, `"untrained"`, `"pixels"`, `"handmade"`, or a name of the user's.
        checkpoint: Step of its training, or `None`.
        features: Function from images to a dictionary of arrays `[B, D]`, by pooling.
        digest: Names its state.
        backbone: `keras.Model` from images to a map, where there is one to train on.
    """

    name: str
    checkpoint: int | None
    features: Callable
    digest: str
    backbone: keras.Model | None = None


def cpc_encoder(model, name="cpc", checkpoint=None):
    """A `CPC` model; its encoder is the backbone."""
    return Encoder(name, checkpoint, EncoderFeatures(model), digests.of_weights(model), model.encoder)


def pixels_encoder():
    """No encoder at all."""
    return Encoder("pixels", None, PixelFeatures(), "pixels")


def handmade_encoder():
    """Statistics that need no training."""
    from cpc_keras.evaluation.handmade import VERSION, HandmadeFeatures

    return Encoder("handmade", None, HandmadeFeatures(), VERSION)


def from_scratch(encoder):
    """An encoder's architecture alone, which networks train from new weights."""
    backbone = encoder.backbone
    return Encoder(SCRATCH, None, encoder.features, backbone.to_json() if backbone else encoder.digest, backbone)


def keras_encoder(encoder, name, value_range=(0.0, 1.0)):
    """Any `keras.Model` from images to maps or vectors; see `load_encoder`.

    One of maps that takes images of any size as they are is a backbone too.
    """
    features = MapFeatures(
        tf.function(lambda images: encoder(images, training=False)), encoder.input_shape, value_range
    )
    digest = digests.of_json(digests.of_weights(encoder), encoder.to_json(), value_range)
    is_backbone = (
        len(encoder.output_shape) == 4 and encoder.input_shape[1:3] == (None, None) and value_range == (0.0, 1.0)
    )
    return Encoder(name, None, features, digest, encoder if is_backbone else None)


def encoder_of(model, name=None):
    """A model in memory, a `CPC` or any other; its kind or its own name if `name` is `None`."""
    if hasattr(model, "encode_patches"):
        return cpc_encoder(model, name or "cpc")
    return keras_encoder(model, name or model.name)


def load_encoder(path, crop, value_range=(0.0, 1.0)):
    """Any other image encoder.

    Images are resized to the size that the encoder demands, if it demands one,
    and given its number of channels.

    Args:
        path: A `.keras` file, or the folder of a SavedModel of image feature
            vectors: callable as TF Hub's are, or with a `serving_default` signature
            of one input.
        crop: Side in pixels of the images that it will be given; it is tried on
            one.
        value_range: What the encoder's input values 0 and 1 are turned into.

    Returns:
        An `Encoder` named like the file.

    Raises:
        InputError: If it cannot be loaded, or does not turn an image of this size
            into a vector or map.
    """
    path = pathlib.Path(path)
    try:
        if path.suffix == ".keras":
            found = keras_encoder(keras.models.load_model(path), written(path.stem), value_range)
        else:
            found = _saved_model_encoder(path, value_range)
        found.features(tf.zeros((1, crop, crop, found.features.input_shape[-1])))
    except Exception as error:  # whatever a foreign file does
        text = re.sub(r"\x1b\[\d*m", "", str(error))  # Keras sets its messages in bold
        lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
        # Keras says first where it happened; the line that names dimensions says what.
        reason = next((line for line in lines if "dimension" in line), lines[0])
        raise InputError(
            f"`--encoder` must be a .keras file or the folder of a SavedModel that turns images of {crop} × {crop} px "
            f"into vectors or maps. Received: {path} ({reason})"
        ) from error
    return found


def _saved_model_encoder(path, value_range):
    with plain_path(path) as plain:
        loaded = tf.saved_model.load(plain)
    signature = loaded.signatures.get("serving_default")
    shape = [None, None, None, 3]
    if signature is not None:
        shape = next(iter(signature.structured_input_signature[1].values())).shape.as_list()
    encoder = loaded if callable(loaded) else signature
    features = MapFeatures(lambda images: _only(encoder(images)), shape, value_range)
    return Encoder(written(path.name), None, features, digests.of_json(digests.of_saved_model(path), value_range), None)


def _only(output):
    """The one output of a SavedModel, whether it comes in a dictionary or not."""
    if isinstance(output, dict):
        (output,) = output.values()
    return output

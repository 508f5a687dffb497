"""Encoders that compete: CPC at a checkpoint, untrained, raw pixels, or any other."""

import dataclasses
import pathlib
import re
from collections.abc import Callable

import keras
import tensorflow as tf

from cpc_keras.errors import InputError
from cpc_keras.evaluation.features import EncoderViews, MapViews, PixelViews
from cpc_keras.storage import digests


@dataclasses.dataclass
class Entrant:
    """An encoder with its name in the records.

    Attributes:
        name: `"cpc"`, `"untrained"`, `"pixels"`, or a name of the user's.
        checkpoint: Step of its training, or `None`.
        views: Function from images to a dictionary of arrays `[B, D_view]`.
        digest: Names its state.
        trunk: `keras.Model` from images to a map, where there is one to train on.
    """

    name: str
    checkpoint: int | None
    views: Callable
    digest: str
    trunk: keras.Model | None = None


def cpc_entrant(model, name="cpc", checkpoint=None):
    """A `CPC` model; its encoder is the trunk."""
    return Entrant(name, checkpoint, EncoderViews(model), digests.of_weights(model), model.encoder)


def pixels_entrant():
    """No encoder at all."""
    return Entrant("pixels", None, PixelViews(), "pixels")


def keras_entrant(encoder, name, value_range=(0.0, 1.0)):
    """Any `keras.Model` from images to maps or vectors; see `foreign_entrant`.

    One of maps that takes images of any size as they are is a trunk too.
    """
    views = MapViews(tf.function(lambda images: encoder(images, training=False)), encoder.input_shape, value_range)
    digest = digests.of_json(digests.of_weights(encoder), encoder.to_json(), value_range)
    is_trunk = len(encoder.output_shape) == 4 and encoder.input_shape[1:3] == (None, None) and value_range == (0.0, 1.0)
    return Entrant(name, None, views, digest, encoder if is_trunk else None)


def model_entrant(model, name=None):
    """A model in memory, a `CPC` or any other; its kind or its own name if `name` is `None`."""
    if hasattr(model, "encode_patches"):
        return cpc_entrant(model, name or "cpc")
    return keras_entrant(model, name or model.name)


def foreign_entrant(path, crop, value_range=(0.0, 1.0)):
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
        An `Entrant` named like the file.

    Raises:
        InputError: If it cannot be loaded, or does not turn an image of this size
            into a vector or map.
    """
    path = pathlib.Path(path)
    try:
        if path.suffix == ".keras":
            entrant = keras_entrant(keras.models.load_model(path), path.stem, value_range)
        else:
            entrant = _saved_model_entrant(path, value_range)
        entrant.views(tf.zeros((1, crop, crop, entrant.views.input_shape[-1])))
    except Exception as error:  # whatever a foreign file does
        text = re.sub(r"\x1b\[\d*m", "", str(error))  # Keras sets its messages in bold
        lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
        # Keras says first where it happened; the line that names dimensions says what.
        reason = next((line for line in lines if "dimension" in line), lines[0])
        raise InputError(
            f"`--encoder` must be a .keras file or the folder of a SavedModel that turns images of {crop} × {crop} px "
            f"into vectors or maps. Received: {path} ({reason})"
        ) from error
    return entrant


def _saved_model_entrant(path, value_range):
    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures.get("serving_default")
    shape = [None, None, None, 3]
    if signature is not None:
        shape = next(iter(signature.structured_input_signature[1].values())).shape.as_list()
    encoder = loaded if callable(loaded) else signature
    views = MapViews(lambda images: _only(encoder(images)), shape, value_range)
    return Entrant(path.name, None, views, digests.of_json(digests.of_saved_model(path), value_range), None)


def _only(output):
    """The one output of a SavedModel, whether it comes in a dictionary or not."""
    if isinstance(output, dict):
        (output,) = output.values()
    return output

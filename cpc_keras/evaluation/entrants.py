"""Encoders that compete: CPC at a checkpoint, untrained, raw pixels, or any other."""

import dataclasses
import pathlib
import re
from collections.abc import Callable

import keras
import tensorflow as tf

from cpc_keras import digests
from cpc_keras.errors import InputError
from cpc_keras.evaluation.contestants import (
    NETWORKS,
    PROBES,
    FrozenFeatures,
    NetworkContestant,
    ProbeContestant,
)
from cpc_keras.evaluation.features import SLIGHT_SHIFT, EncoderViews, MapCopies, MapViews, PixelViews
from cpc_keras.evaluation.networks import SPACE, start_from_probe

METHODS = (*PROBES, *NETWORKS)
# Labels up to which a head on frozen maps also learns from maps of mirrored and shifted images.
_COPIED = 10_000


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


def line_up(own, methods, rivals=(), foreign=(), earlier=()):
    """Who competes in what: everything on one's own encoder, what can be compared on the others.

    Args:
        own: The `Entrant` in question.
        methods: Any of `METHODS`.
        rivals: Entrants that only the probes are put on.
        foreign: Entrants that stand beside one's own in every method but
            `"supervised"`, if they have a trunk.
        earlier: Earlier states of one's own, for the probes. Like the others they
            may be a generator: each is asked for when its turn comes.

    Yields:
        `(entrant, methods)`.
    """
    frozen = [method for method in methods if method in PROBES]
    pretrained = [method for method in methods if method != "supervised"]
    yield own, pretrained
    for entrant in rivals:
        yield entrant, frozen
    for entrant in foreign:
        yield entrant, pretrained if entrant.trunk else frozen
    if "supervised" in methods:
        yield own, ["supervised"]
    for entrant in earlier:
        yield entrant, frozen


def contestants(entrant, methods, data, folder, crop, build_head=None):
    """What an entrant competes in.

    Args:
        entrant: An `Entrant`.
        methods: Any of `METHODS`; `"supervised"` trains its trunk's architecture
            from new weights and is to be asked of one entrant only.
        data: A `LabelledImages`.
        folder: Where features are kept.
        crop: Side of the crop in pixels.
        build_head: Function `(input_shape, classes, kind, dropout=…, dtype=…)` from
            the shape of a map to a classifier on it, such as
            `cpc_keras.models.ClassifierHead`; needed for networks.

    Yields:
        A `ProbeContestant` or `NetworkContestant` for each method; the published
        linear forms are for CPC models only.

    Raises:
        InputError: If a network is asked of an entrant without a trunk.
    """
    frozen = FrozenFeatures(folder, entrant.views, entrant.digest, data, crop)
    for method in methods:
        if method in PROBES and _has_views(method, entrant):
            yield ProbeContestant(method, entrant.name, entrant.checkpoint, frozen)
        elif method in NETWORKS:
            if entrant.trunk is None or build_head is None:
                raise InputError(
                    f"`methods` must be probes ({', '.join(PROBES)}) for an encoder that is no Keras model from "
                    f"images of any size to maps. Received: {method} for {entrant.name}"
                )
            yield _network(entrant, method, data, folder, crop, build_head)


def _has_views(method, entrant):
    return not method.startswith("linear_v") or isinstance(entrant.views, EncoderViews)


def _network(entrant, method, data, folder, crop, build_head):
    trunk, classes = entrant.trunk, data.classes
    channels = trunk.input_shape[-1]
    map_shape = trunk.compute_output_shape((None, crop, crop, channels))[1:]
    dtype = trunk.dtype_policy.name
    inputs = (entrant.name, entrant.checkpoint)

    def build_classifier(kind, dropout):
        return build_head(map_shape, classes, kind, dropout=dropout, dtype=dtype)

    def build_whole(kind, dropout):
        copy = keras.models.clone_model(trunk)
        if method == "finetune":
            copy.set_weights(trunk.get_weights())
        images = keras.Input((crop, crop, channels), name="images")
        return keras.Model(images, build_classifier(kind, dropout)(copy(images)))

    architecture = [build_classifier(kind, 0.0).to_json() for kind in SPACE["head"]]
    digest = [entrant.digest if method != "supervised" else trunk.to_json(), architecture, crop]
    if method == "resnet":
        space = {**SPACE, "head": ("resnet",), "shift": SPACE["shift"][:1]}
        few, many = (
            FrozenFeatures(
                folder, MapCopies(trunk, copies), f"maps{copies}-{SLIGHT_SHIFT}-{entrant.digest}", data, crop
            )
            for copies in (MapCopies.ALL, 1)
        )
        return NetworkContestant(method, *inputs, build_classifier, space, digest, crop, maps=(few, many, _COPIED))
    if method == "supervised":
        return NetworkContestant(method, "scratch", None, build_whole, SPACE, digest, crop)
    return NetworkContestant(method, *inputs, build_whole, SPACE, digest, crop, start=start_from_probe)

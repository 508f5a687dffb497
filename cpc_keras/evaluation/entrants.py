"""Encoders that compete: CPC at a checkpoint, untrained, raw pixels, or any other."""

import dataclasses
import pathlib
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
from cpc_keras.evaluation.features import EncoderViews, MapCopies, MapViews, PixelViews
from cpc_keras.evaluation.networks import SPACE, start_from_probe
from cpc_keras.models import ClassifierHead

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


@dataclasses.dataclass(frozen=True)
class HeadSize:
    """Size of the ResNet head, see `cpc_keras.models.ClassifierHead`; the published one is 11, 4096, 1024."""

    blocks: int = 2
    width: int = 256
    bottleneck: int = 64


def cpc_entrant(model, name="cpc", checkpoint=None):
    """A `CPC` model; its encoder is the trunk."""
    return Entrant(name, checkpoint, EncoderViews(model), digests.of_weights(model), model.encoder)


def pixels_entrant():
    """No encoder at all."""
    return Entrant("pixels", None, PixelViews(), "pixels")


def keras_entrant(encoder, name, value_range=(0.0, 1.0)):
    """Any `keras.Model` from images to maps or vectors, frozen; see `foreign_entrant`."""
    views = MapViews(tf.function(lambda images: encoder(images, training=False)), encoder.input_shape, value_range)
    return Entrant(name, None, views, f"{digests.of_weights(encoder)}{value_range}")


def foreign_entrant(path, value_range=(0.0, 1.0)):
    """Any other image encoder, frozen.

    Images are resized to the size that the encoder demands, if it demands one,
    and given its number of channels.

    Args:
        path: A `.keras` file, or the folder of a SavedModel that follows TF
            Hub's convention for image feature vectors (three channels).
        value_range: What the encoder's input values 0 and 1 are turned into.

    Returns:
        An `Entrant` named like the file.

    Raises:
        InputError: If it cannot be loaded, or gives neither vectors nor maps.
    """
    path = pathlib.Path(path)
    try:
        if path.suffix == ".keras":
            return keras_entrant(keras.models.load_model(path), path.stem, value_range)
        loaded = tf.saved_model.load(str(path))
        encoder = loaded if callable(loaded) else _only_output(loaded.signatures["serving_default"])
    except Exception as error:  # whatever a foreign file does
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"`--encoder` must be a .keras file or the folder of a SavedModel. Received: {path} ({reason})"
        ) from error
    views = MapViews(encoder, (None, None, None, 3), value_range)
    return Entrant(path.name, None, views, f"{digests.of_saved_model(path)}{value_range}")


def _only_output(signature):
    return lambda images: next(iter(signature(images).values()))


def contestants(entrant, methods, data, folder, crop, head=None):
    """What an entrant competes in.

    Args:
        entrant: An `Entrant`.
        methods: Any of `METHODS`; `"supervised"` trains its trunk's architecture
            from new weights and is to be asked of one entrant only.
        data: A `LabelledImages`.
        folder: Where features are kept.
        crop: Side of the crop in pixels.
        head: A `HeadSize`.

    Yields:
        A `ProbeContestant` or `NetworkContestant` for each method that the
        entrant has what is needed for.
    """
    head = head or HeadSize()
    frozen = FrozenFeatures(folder, entrant.views, entrant.digest, data, crop)
    for method in methods:
        if method in PROBES and _has_views(method, entrant):
            yield ProbeContestant(method, entrant.name, entrant.checkpoint, frozen)
        elif method in NETWORKS and entrant.trunk is not None:
            yield _network(entrant, method, data, folder, crop, head)


def _has_views(method, entrant):
    return not method.startswith("linear_v") or isinstance(entrant.views, EncoderViews)


def _network(entrant, method, data, folder, crop, head):
    trunk, classes = entrant.trunk, data.classes
    channels = trunk.input_shape[-1]
    map_shape = trunk.compute_output_shape((None, crop, crop, channels))[1:]
    dtype = trunk.dtype_policy.name
    size = dataclasses.asdict(head)
    inputs = (entrant.name, entrant.checkpoint)
    digest = [entrant.digest if method != "supervised" else trunk.to_json(), size, crop]

    def build_head(kind, dropout):
        return ClassifierHead(map_shape, classes, kind, dropout=dropout, dtype=dtype, **size)

    def build_whole(kind, dropout):
        copy = keras.models.clone_model(trunk)
        if method == "finetune":
            copy.set_weights(trunk.get_weights())
        images = keras.Input((crop, crop, channels), name="images")
        return keras.Model(images, build_head(kind, dropout)(copy(images)))

    if method == "resnet":
        space = {**SPACE, "head": ("resnet",)}
        few, many = (
            FrozenFeatures(folder, MapCopies(trunk, copies), f"maps{copies}-{entrant.digest}", data, crop)
            for copies in (MapCopies.ALL, 1)
        )
        return NetworkContestant(method, *inputs, build_head, space, digest, crop, maps=(few, many, _COPIED))
    if method == "supervised":
        return NetworkContestant(method, "scratch", None, build_whole, SPACE, digest, crop)
    return NetworkContestant(method, *inputs, build_whole, SPACE, digest, crop, start=start_from_probe)

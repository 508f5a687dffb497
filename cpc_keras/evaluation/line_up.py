"""Who competes in what: the contestants that an entrant enters."""

import functools
import re

import keras

from cpc_keras.errors import InputError
from cpc_keras.evaluation.contestants import NETWORKS, PROBES, FrozenFeatures, NetworkContestant, ProbeContestant
from cpc_keras.evaluation.features import SLIGHT_SHIFT, EncoderViews, MapCopies
from cpc_keras.evaluation.feeds import ImageFeed, MapFeed, VectorFeed
from cpc_keras.evaluation.networks import SPACE, UNSEARCHED, StartFromProbe

METHODS = (*PROBES, *NETWORKS)
# What `cpc-keras tune` knows: a linear map on frozen features, and the networks.
REGIMES = ("linear", *NETWORKS)
_SIZE = ("blocks", "width", "bottleneck")
# Labels up to which a head on frozen maps also learns from maps of mirrored and shifted images.
_COPIED = 10_000


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
            `cpc_keras.models.ClassifierHead`; needed for networks. Where the size of
            the head was tuned, it is given `blocks`, `width` and `bottleneck` too.

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
            yield network(entrant, method, data, folder, crop, build_head)


def _has_views(method, entrant):
    return not method.startswith("linear_v") or isinstance(entrant.views, EncoderViews)


def network(entrant, method, data, folder, crop, build_head, found=None):
    """A network that an entrant competes with.

    Args:
        entrant: An `Entrant`.
        method: One of `NETWORKS`, or `"linear"`, a linear map on a view of the
            frozen features, which only a setting that was found tells how to train.
        data: As for `contestants`.
        folder: Likewise.
        crop: Likewise.
        build_head: Likewise.
        found: A `TunedSetting` that `cpc-keras tune` wrote, in place of a search;
            the contestant is called after its kind, such as `linear_tuned`.

    Returns:
        A `NetworkContestant`.

    Raises:
        InputError: If the entrant has no trunk and the method needs one.
    """
    frozen = FrozenFeatures(folder, entrant.views, entrant.digest, data, crop)
    name, fixed = method, {}
    if found is not None:
        name, fixed = f"{method}_{found.kind}", {"setting": found.setting, "trials": found.trials}
    who = (name, entrant.name, entrant.checkpoint)
    if method == "linear":
        feed = VectorFeed(frozen)
        build_linear = functools.partial(_linear_on_view, feed, data.classes)
        return NetworkContestant(*who, build_linear, SPACE, [entrant.digest, crop, "linear"], feed, **fixed)
    if entrant.trunk is None or build_head is None:
        raise InputError(
            f"`methods` must be probes ({', '.join(PROBES)}) for an encoder that is no Keras model from "
            f"images of any size to maps. Received: {method} for {entrant.name}"
        )
    trunk, classes = entrant.trunk, data.classes
    channels = trunk.input_shape[-1]
    map_shape = trunk.compute_output_shape((None, crop, crop, channels))[1:]
    dtype = trunk.dtype_policy.name

    def build_classifier(setting):
        size = {name: setting[f"head_{name}"] for name in _SIZE if setting[f"head_{name}"]}
        return build_head(map_shape, classes, setting["head"], dropout=setting["dropout"], dtype=dtype, **size)

    def build_whole(setting):
        copy = keras.models.clone_model(trunk)
        if method == "finetune":
            copy.set_weights(trunk.get_weights())
            freeze_stacks(copy, setting["frozen_stacks"])
        images = keras.Input((crop, crop, channels), name="images")
        return keras.Model(images, build_classifier(setting)(copy(images)))

    plain = {**UNSEARCHED, "dropout": 0.0}
    architecture = [build_classifier({**plain, "head": kind}).to_json() for kind in SPACE["head"]]
    digest = [entrant.digest if method != "supervised" else trunk.to_json(), architecture, crop]
    if method == "resnet":
        space = {**SPACE, "head": ("resnet",), "shift": SPACE["shift"][:1]}
        few, many = (
            FrozenFeatures(
                folder, MapCopies(trunk, copies), f"maps{copies}-{SLIGHT_SHIFT}-{entrant.digest}", data, crop
            )
            for copies in (MapCopies.ALL, 1)
        )
        return NetworkContestant(*who, build_classifier, space, digest, MapFeed(few, many, _COPIED), **fixed)
    if method == "supervised":
        return NetworkContestant(name, "scratch", None, build_whole, SPACE, digest, ImageFeed(crop), **fixed)
    return NetworkContestant(*who, build_whole, SPACE, digest, ImageFeed(crop), start=StartFromProbe(), **fixed)


def _linear_on_view(feed, classes, setting):
    """A linear classifier on the columns of a view."""
    if setting["view"] not in feed.spans:
        raise InputError(f"`view` must be one of {', '.join(feed.spans)}. Received: view={setting['view']!r}")
    first, end = feed.spans[setting["view"]]
    vectors = keras.Input((feed.width,), name="vectors")
    x = keras.layers.Dropout(setting["dropout"], name="dropout")(vectors[:, first:end])
    dense = keras.layers.Dense(classes, "softmax", kernel_initializer="zeros", name="predictions", dtype="float32")
    return keras.Model(vectors, dense(x))


def stacks_of(trunk):
    """Number of stacks of a trunk of `cpc_keras.models`, 0 of another."""
    return max((_stack(layer) for layer in trunk.layers), default=0)


def freeze_stacks(trunk, count):
    """Keeps the stem and the first stacks of a trunk as they are; 0 keeps nothing.

    Args:
        trunk: An encoder of `cpc_keras.models`.
        count: Number of stacks.
    """
    if count:
        for layer in trunk.layers:
            layer.trainable = _stack(layer) > count or layer.name.startswith("post")


def _stack(layer):
    found = re.match(r"stack(\d+)_", layer.name)
    return int(found[1]) if found else 0

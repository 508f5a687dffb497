"""The methods that train networks: what they build on an encoder, and which encoder is given which method."""

import functools
import re

import keras

from cpc_keras.errors import InputError
from cpc_keras.evaluation.classifier import SPACE, UNSEARCHED
from cpc_keras.evaluation.encoders import from_scratch
from cpc_keras.evaluation.estimators import NetworkEstimator, ProbeEstimator
from cpc_keras.evaluation.feature_store import FrozenFeatures
from cpc_keras.evaluation.features import SLIGHT_TRANSLATION, AugmentedMaps, EncoderFeatures
from cpc_keras.evaluation.inputs import ImageInputs, MapInputs, VectorInputs
from cpc_keras.evaluation.methods import JOINT, METHODS, PROBES, SCRATCH
from cpc_keras.evaluation.regimes import REGIMES, VERSION
from cpc_keras.evaluation.starts import LinearProbeStart, PropagatedStart
from cpc_keras.evaluation.unlabelled import UnlabelledImages

_SIZE = ("blocks", "width", "bottleneck")
# Labels up to which a head on frozen maps also learns from maps of mirrored and translated images.
_AUGMENTED = 10_000


def planned_methods(own, methods, baselines=(), others=(), earlier=(), starts=("cpc",)):
    """Which methods are put on which encoder: all on one's own, what can be compared on the others.

    Args:
        own: The `Encoder` in question.
        methods: Names of `METHODS`.
        baselines: Encoders that only the probes are put on.
        others: Encoders that stand beside one's own in every method but those from
            new weights, if they have a backbone.
        earlier: Earlier states of one's own, for the probes. Like the others they
            may be a generator: each is asked for when its turn comes.
        starts: Where methods start that may from either weights: `"cpc"`, those of the
            encoder in question, `"scratch"`, or both.

    Yields:
        `(encoder, methods)`.
    """
    frozen = [name for name in methods if METHODS[name].fits == "probe"]
    both = [name for name in methods if METHODS[name].starts_from == "either weights"]
    new = [name for name in methods if METHODS[name].starts_from == "new weights"]
    pretrained = [name for name in methods if name not in new and (name not in both or "cpc" in starts)]
    new += both if SCRATCH in starts else []
    yield own, pretrained
    for encoder in baselines:
        yield encoder, frozen
    for encoder in others:
        yield encoder, pretrained if encoder.backbone else frozen
    if new:
        yield from_scratch(own), new
    for encoder in earlier:
        yield encoder, frozen


def estimators(encoder, methods, data, folder, crop, build_head=None, class_shares=None, flip=True, budget=None):
    """Methods on an encoder.

    Args:
        encoder: An `Encoder`.
        methods: Names of `METHODS`; those from new weights train the architecture of
            its backbone and are to be asked of one encoder only.
        data: A `LabelledImages`.
        folder: Where features are kept.
        crop: Side of the crop in pixels.
        build_head: Function `(input_shape, classes, kind, dropout=…, dtype=…)` from
            the shape of a map to a classifier on it, such as
            `cpc_keras.models.ClassifierHead`; needed for networks. Where the size of
            the head was tuned, it is given `blocks`, `width` and `bottleneck` too.
        class_shares: As of `ProbeEstimator`.
        flip: Whether networks also learn from mirrored images.
        budget: The `cpc_keras.evaluation.step_budget.StepBudget` of networks that learn from
            unlabelled images, too; `None` for steps as usual.

    Yields:
        A `ProbeEstimator` or `NetworkEstimator` for each method; those that are for
        CPC encoders are left out on others.

    Raises:
        InputError: If a network is asked of an encoder without a backbone.
    """
    features = FrozenFeatures(folder, encoder.features, encoder.digest, data, crop)
    is_cpc = isinstance(encoder.features, EncoderFeatures)
    for name in methods:
        if METHODS[name].fits == "network":
            given = {"flip": flip, "budget": budget, "class_shares": class_shares}
            yield network_estimator(encoder, name, data, folder, crop, build_head, **given)
        elif is_cpc or not METHODS[name].cpc_only:
            yield ProbeEstimator(name, encoder, features, data, class_shares=class_shares)


def tuned_estimator(encoder, tuned, data, folder, crop, build_head=None, class_shares=None, flip=True):
    """A method with the setting that a search found.

    Args:
        encoder: An `Encoder`.
        tuned: A `TunedSetting` that `cpc-keras tune` wrote.
        data: A `LabelledImages`.
        folder: Where features are kept.
        crop: Side of the crop in pixels.
        build_head: As of `estimators`.
        class_shares: As of `ProbeEstimator`.
        flip: As of `estimators`.

    Returns:
        A `ProbeEstimator` or `NetworkEstimator`.
    """
    if tuned.regime == "propagated":
        features = FrozenFeatures(folder, encoder.features, encoder.digest, data, crop)
        return ProbeEstimator(tuned.regime, encoder, features, data, class_shares=class_shares, tuned=tuned)
    return network_estimator(
        encoder, tuned.regime, data, folder, crop, build_head, tuned, flip, class_shares=class_shares
    )


def network_estimator(
    encoder, method, data, folder, crop, build_head, tuned=None, flip=True, budget=None, class_shares=None
):
    """A network on an encoder.

    Args:
        encoder: An `Encoder`.
        method: A network of `METHODS`, or `"linear"`, a linear map on a pooling of
            the frozen features, which only a tuned setting tells how to train.
        data: A `LabelledImages`.
        folder: Where features are kept.
        crop: Side of the crop in pixels.
        build_head: Function `(input_shape, classes, kind, dropout=…, dtype=…)` from the
            shape of a map to a classifier on it, such as
            `cpc_keras.models.ClassifierHead`; needed for networks. Where the size of
            the head was tuned, it is given `blocks`, `width` and `bottleneck` too.
        tuned: A `TunedSetting` that `cpc-keras tune` wrote, in place of a search;
            records call the method after its kind then, as in `linear_tuned`.
        flip: Whether it also learns from mirrored images.
        budget: As of `estimators`.
        class_shares: As of `ProbeEstimator`, for what starts from the encoder and learns from
            unlabelled images, too.

    Returns:
        A `NetworkEstimator`.

    Raises:
        InputError: If the encoder has no backbone and the method needs one.
    """
    name, fixed = method, {}
    if tuned is not None:
        name, fixed = f"{method}_{tuned.kind}", {"setting": tuned.setting, "trials": tuned.trials}
    if METHODS[method].starts_from == "new weights":
        encoder = from_scratch(encoder)
    is_new = encoder.name == SCRATCH
    who = (name, encoder.name, encoder.checkpoint)
    if method == "linear":
        features = FrozenFeatures(folder, encoder.features, encoder.digest, data, crop)
        vectors = VectorInputs(features, data.train_labels)
        build_linear = functools.partial(_linear_on_pooling, vectors, data.classes)
        digest = [encoder.digest, crop, "linear"]
        return NetworkEstimator(*who, build_linear, SPACE, digest, vectors, data.classes, **fixed)
    if encoder.backbone is None or build_head is None:
        raise InputError(
            f"`methods` must be probes ({', '.join(PROBES)}) for an encoder that is no Keras model from "
            f"images of any size to maps. Received: {method} for {encoder.name}"
        )
    backbone, classes = encoder.backbone, data.classes
    channels = backbone.input_shape[-1]
    map_shape = backbone.compute_output_shape((None, crop, crop, channels))[1:]
    dtype = backbone.dtype_policy.name

    def build_classifier(setting):
        size = {name: setting[f"head_{name}"] for name in _SIZE if setting[f"head_{name}"]}
        return build_head(map_shape, classes, setting["head"], dropout=setting["dropout"], dtype=dtype, **size)

    def build_whole(setting):
        copy = keras.models.clone_model(backbone)
        if not is_new:
            copy.set_weights(backbone.get_weights())
            freeze_stacks(copy, setting["frozen_stacks"])
        pictures = keras.Input((crop, crop, channels), name="images")
        return keras.Model(pictures, build_classifier(setting)(copy(pictures)))

    plain = {**UNSEARCHED, "dropout": 0.0}
    architecture = [build_classifier({**plain, "head": kind}).to_json() for kind in SPACE["head"]]
    digest = [encoder.digest, architecture, crop]
    digest += [] if flip else ["not mirrored"]
    if method == "resnet":
        space = {**SPACE, "head": ("resnet",), "translation": SPACE["translation"][:1]}
        few, many = (
            FrozenFeatures(
                folder,
                AugmentedMaps(backbone, copies, flip),
                f"maps{copies}{'' if flip else '-not-mirrored'}-{SLIGHT_TRANSLATION}-{encoder.digest}",
                data,
                crop,
            )
            for copies in (AugmentedMaps.ALL, 1)
        )
        maps = MapInputs(many, few, _AUGMENTED, data.train_labels)
        return NetworkEstimator(*who, build_classifier, space, digest, maps, classes, **fixed)
    start = None if is_new else PropagatedStart() if method in JOINT else LinearProbeStart()
    if method not in JOINT:
        images = ImageInputs(data.train, crop, data.test_images, flip)
        return NetworkEstimator(*who, build_whole, SPACE, digest, images, classes, start, **fixed)
    images = ImageInputs(data.train, crop, data.test_images, flip, UnlabelledImages(data), class_shares=class_shares)
    if tuned is None:
        # What a search finds for the same network without unlabelled images costs nothing once that was evaluated.
        counterpart = "supervised" if is_new else "finetune"
        fixed["like"] = network_estimator(encoder, counterpart, data, folder, crop, build_head, flip=flip)
    digest += [data.pool_images.fingerprint, VERSION, *([] if is_new else [class_shares])]
    fixed["steps"] = budget.of(method, classes) if budget else None
    return NetworkEstimator(*who, build_whole, SPACE, digest, images, classes, start, regime=REGIMES[method], **fixed)


def _linear_on_pooling(inputs, classes, setting):
    """A linear classifier on the columns of a pooling."""
    if setting["pooling"] not in inputs.spans:
        raise InputError(
            f"`pooling` must be one of {', '.join(inputs.spans)}. Received: pooling={setting['pooling']!r}"
        )
    first, end = inputs.spans[setting["pooling"]]
    vectors = keras.Input((inputs.width,), name="vectors")
    x = keras.layers.Dropout(setting["dropout"], name="dropout")(vectors[:, first:end])
    dense = keras.layers.Dense(classes, "softmax", kernel_initializer="zeros", name="predictions", dtype="float32")
    return keras.Model(vectors, dense(x))


def stacks_of(backbone):
    """Number of stacks of a backbone of `cpc_keras.models`, 0 of another."""
    return max((_stack(layer) for layer in backbone.layers), default=0)


def freeze_stacks(backbone, count):
    """Keeps the stem and the first stacks of a backbone as they are; 0 keeps nothing.

    Args:
        backbone: An encoder of `cpc_keras.models`.
        count: Number of stacks.
    """
    if count:
        for layer in backbone.layers:
            layer.trainable = _stack(layer) > count or layer.name.startswith("post")


def _stack(layer):
    found = re.match(r"stack(\d+)_", layer.name)
    return int(found[1]) if found else 0

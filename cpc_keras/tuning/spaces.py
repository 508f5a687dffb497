"""What is searched: the hyperparameters of each regime."""

import keras_tuner

from cpc_keras.evaluation.classifier import SPACE
from cpc_keras.evaluation.features import USUAL_POOLINGS
from cpc_keras.evaluation.methods import JOINT

# Peak learning rate of each optimizer, on which the hyperparameter `rate` is a factor.
_RATES = {"adamw": 2e-3, "lamb": 1e-2, "sgd": 5e-2}
_DROPOUTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
_TRANSLATIONS = (SPACE["translation"][0], 0.0, 0.08, 0.125, 0.2)


def choose_setting(hp, regime, poolings=(), stacks=0, head_size=(2, 256, 64), longest=2.0):
    """A setting of a classifier out of the space of its regime.

    By default it is what `cpc_keras.evaluation.classifier.NetworkClassifier` begins its own search with.

    Args:
        hp: A `keras_tuner.HyperParameters`.
        regime: `"linear"` (a linear map on frozen features), `"resnet"` (a ResNet
            head on frozen maps), `"finetune"`, `"supervised"`, or one that learns from unlabelled
            images, too, of `cpc_keras.evaluation.methods.JOINT`.
        poolings: Of `"linear"`, the poolings of frozen features to choose from.
        stacks: Where pre-trained weights are trained on, the stacks of the encoder that may
            stay as they are.
        head_size: Blocks, channels and channels inside a block of a ResNet head, by
            default.
        longest: Highest factor on the number of steps.

    Returns:
        A dictionary, see `NetworkClassifier.fit`; of `"linear"` with `"pooling"`.
    """
    optimizer = hp.Choice("optimizer", tuple(_RATES))
    rate = hp.Float("rate", 0.1, 10.0, sampling="log", default=1.0)
    setting = {
        "optimizer": optimizer,
        "learning_rate": _RATES[optimizer] * rate,
        "weight_decay": hp.Float("weight_decay", 1e-4, 1.0, sampling="log", default=1e-2),
        "dropout": hp.Choice("dropout", _DROPOUTS, default=0.0),
        "step_multiplier": hp.Float("step_multiplier", 0.25, longest, sampling="log", default=1.0),
        "translation": 0.0,
    }
    if regime == "linear":
        default = "grid3" if "grid3" in poolings else poolings[0]
        return {**setting, "pooling": hp.Choice("pooling", poolings, default=default)}
    if regime == "resnet":
        setting["translation"] = hp.Choice(
            "translation", _TRANSLATIONS[:2], default=_TRANSLATIONS[0]
        )  # the copies of maps that there are
        return {**setting, "head": "resnet", **_size(hp, head_size)}
    setting["translation"] = hp.Choice("translation", _TRANSLATIONS, default=_TRANSLATIONS[0])
    setting["head"] = hp.Choice("head", SPACE["head"])
    with hp.conditional_scope("head", ["resnet"]):
        if setting["head"] == "resnet":
            setting.update(_size(hp, head_size))
    if regime == "finetune" or regime in JOINT:
        setting["frozen_stacks"] = hp.Int("frozen_stacks", 0, stacks)
    if regime in JOINT:
        setting["unlabelled_weight"] = hp.Float("unlabelled_weight", 0.1, 10.0, sampling="log", default=1.0)
    if regime in JOINT and "vat" in regime:
        setting["epsilon"] = hp.Float("epsilon", 0.25, 4.0, sampling="log", default=1.0)
    return setting


def choose_propagation(hp, poolings):
    """A setting of the probe that learns from images without labels.

    Args:
        hp: A `keras_tuner.HyperParameters`.
        poolings: Those of frozen features to choose from.

    Returns:
        A dictionary, see `cpc_keras.evaluation.propagated.fixed_arguments`.
    """
    usual = next((one for one in USUAL_POOLINGS if one in poolings), poolings[0])
    return {
        "pooling": hp.Choice("pooling", poolings, default=usual),
        "C": hp.Float("C", 1e-4, 1.0, sampling="log", default=1e-2),
        "neighbors": hp.Choice("neighbors", (5, 10, 20, 40), default=10),
        "alpha": hp.Choice("alpha", (0.0, 0.5, 0.7, 0.8, 0.9, 0.95), default=0.9),
        "steps": hp.Choice("steps", (2, 5, 10, 20, 40), default=20),
        "strength": hp.Choice("strength", (0.0, 1.0, 2.0, 4.0, 8.0), default=4.0),
        "layer_C": hp.Float("layer_C", 1e-3, 1.0, sampling="log", default=1e-2),
    }


def _size(hp, head_size):
    """Depth and width of a ResNet head; the width inside a block is in proportion.

    None is wider than by default: on Fashion-MNIST twice the width took most of the time and won next to nothing.
    """
    blocks, width, bottleneck = head_size
    chosen = hp.Choice("head_width", sorted({max(1, width // 4), max(1, width // 2), width}), default=width)
    return {
        "head_blocks": hp.Choice("head_blocks", sorted({1, max(1, blocks // 2), blocks, 2 * blocks}), default=blocks),
        "head_width": chosen,
        "head_bottleneck": max(1, round(bottleneck * chosen / width)),
    }


def coarse_propagation():
    """The same of a probe that learns from images without labels."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("alpha", (0.9, 0.5))
    hp.Choice("strength", (4.0, 1.0))
    hp.Choice("C", (1e-2, 1e-3, 1e-1))
    return hp


def coarse_space():
    """The few values of a classifier's hyperparameters that a search through all of them tries.

    Returns:
        A `keras_tuner.HyperParameters`.
    """
    hp = keras_tuner.HyperParameters()
    hp.Choice("weight_decay", (1e-2, 1e-1))
    hp.Choice("dropout", (0.0, 0.3))
    hp.Choice("rate", (1.0, 0.3, 3.0))  # the last one changes from trial to trial
    return hp

"""What is searched: the hyperparameters of each regime."""

from cpc_keras.evaluation.networks import SPACE

REGIMES = ("linear", "resnet", "finetune", "supervised")
# Peak learning rate of each optimizer, on which the hyperparameter `rate` is a factor.
_RATES = {"adamw": 2e-3, "lamb": 1e-2, "sgd": 5e-2}
_HEAD_BLOCKS, _HEAD_WIDTHS = (1, 4), (64, 128, 256, 512)
_LARGEST_SHIFT = 0.2


def choose_setting(hp, regime, views=(), stacks=0):
    """A setting of a classifier out of the space of its regime.

    By default it is what `cpc_keras.evaluation.networks.NetworkClassifier` begins its own search with.

    Args:
        hp: A `keras_tuner.HyperParameters`.
        regime: `"linear"` (a linear map on frozen features), `"resnet"` (a ResNet
            head on frozen maps), `"finetune"` or `"supervised"`.
        views: Of `"linear"`, the views of frozen features to choose from.
        stacks: Of `"finetune"`, the stacks of the encoder that may stay as they are.

    Returns:
        A dictionary, see `NetworkClassifier.fit`; of `"linear"` with `"view"`.
    """
    optimizer = hp.Choice("optimizer", tuple(_RATES))
    rate = hp.Float("rate", 0.1, 10.0, sampling="log", default=1.0)
    setting = {
        "optimizer": optimizer,
        "learning_rate": _RATES[optimizer] * rate,
        "weight_decay": hp.Float("weight_decay", 1e-4, 1.0, sampling="log", default=1e-2),
        "dropout": hp.Float("dropout", 0.0, 0.7, step=0.1, default=0.0),
        "passes": hp.Float("passes", 0.25, 2.0, sampling="log", default=1.0),
        "shift": 0.0,
    }
    if regime == "linear":
        return {**setting, "view": hp.Choice("view", views, default="grid3" if "grid3" in views else views[0])}
    if regime == "resnet":
        moved = hp.Choice("shift", (0.0, SPACE["shift"][0]), default=SPACE["shift"][0])  # the copies that there are
        return {**setting, **_size(hp), "head": "resnet", "shift": moved}
    setting["shift"] = hp.Float("shift", 0.0, _LARGEST_SHIFT, step=0.04, default=SPACE["shift"][0])
    setting["head"] = hp.Choice("head", SPACE["head"])
    with hp.conditional_scope("head", ["resnet"]):
        if setting["head"] == "resnet":
            setting.update(_size(hp))
    if regime == "finetune":
        setting["frozen_stacks"] = hp.Int("frozen_stacks", 0, stacks)
    return setting


def _size(hp):
    """Depth and width of a ResNet head."""
    return {
        "head_blocks": hp.Int("head_blocks", *_HEAD_BLOCKS, default=2),
        "head_width": hp.Choice("head_width", _HEAD_WIDTHS, default=256),
    }

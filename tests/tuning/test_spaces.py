import keras_tuner
import pytest

from cpc_keras.evaluation.classifier import SPACE
from cpc_keras.evaluation.methods import SEARCHED
from cpc_keras.tuning.spaces import choose_setting


@pytest.mark.parametrize("regime", SEARCHED)
def test_the_default_is_where_the_small_search_begins(regime):
    setting = choose_setting(keras_tuner.HyperParameters(), regime, ("mean", "grid3"), stacks=2, head_size=(3, 512, 9))
    own = {name: values[0] for name, values in SPACE.items()}
    if regime == "resnet":
        own["head"] = "resnet"
    if regime == "linear":
        assert setting["pooling"] == own.pop("head")
        own["translation"] = 0.0
    assert {name: setting[name] for name in own} == pytest.approx(own)
    assert setting["optimizer"] == "adamw"
    assert regime != "resnet" or [setting[f"head_{name}"] for name in ("blocks", "width", "bottleneck")] == [3, 512, 9]
    assert setting.get("frozen_stacks", 0) == 0


def test_no_head_is_wider_than_the_recipes():
    hp = keras_tuner.HyperParameters()
    choose_setting(hp, "resnet", head_size=(2, 256, 64))
    (widths,) = (one.values for one in hp.space if one.name == "head_width")
    assert widths == [64, 128, 256]

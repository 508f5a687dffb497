import keras_tuner
import pytest

from cpc_keras.evaluation.classifier import SPACE
from cpc_keras.evaluation.propagated import PropagatedProbe, fixed_arguments
from cpc_keras.tuning.hypermodel import REGIMES
from cpc_keras.tuning.spaces import choose_propagation, choose_setting, coarse_propagation


@pytest.mark.parametrize("regime", REGIMES)
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


def test_propagation_begins_where_the_probe_alone_would_and_a_search_through_all_holds_that():
    setting = choose_propagation(keras_tuner.HyperParameters(), ("mean", "grid3_map3", "grid3"))
    assert setting["pooling"] == "grid3_map3"
    usual, fixed = PropagatedProbe().get_params(), fixed_arguments(setting)
    assert all(fixed[name] == usual[name] for name in ("neighbors", "C"))
    assert all(set(fixed[name]) < set(usual[name]) for name in ("Cs", "alphas", "steps", "strengths"))
    coarse = coarse_propagation()
    assert {name: coarse.get(name) for name in ("alpha", "strength", "C")} == {
        name: setting[name] for name in ("alpha", "strength", "C")
    }

from types import NoneType
from typing import get_args, get_type_hints

import pytest

from cpc_keras.backend.distribution import STRATEGIES
from cpc_keras.cli.commands.evaluation import evaluate, tune
from cpc_keras.cli.commands.models import export
from cpc_keras.cli.commands.pretraining import pretrain
from cpc_keras.evaluation.methods import EXPORTED, SEARCHED, STARTS
from cpc_keras.tuning.tuners import TUNERS


@pytest.mark.parametrize(
    ("command", "option", "names"),
    [
        (pretrain, "strategy", STRATEGIES),
        (tune, "regime", SEARCHED),
        (tune, "tuner", TUNERS),
        (export, "classifier", EXPORTED),
        (evaluate, "start", STARTS),
    ],
)
def test_choices_are_those_of_the_package(command, option, names):
    """They are said twice, for the package says them where TensorFlow or keras-tuner is imported."""
    parts = get_args(get_type_hints(command)[option])  # of a Literal, or of one that may be None
    found = [name for part in parts for name in get_args(part) or [part] if name is not NoneType]
    assert sorted(found) == sorted(names)

import types

import pytest
import tensorflow as tf

from cpc_keras.backend.distribution import check_replicas, distribute, has_many_workers, is_chief, open_strategy
from cpc_keras.config.recipe import Recipe
from cpc_keras.errors import InputError

TWO = types.SimpleNamespace(num_replicas_in_sync=2)  # all that is asked of a strategy there


def test_one_device_is_the_default_and_reads_whole_batches():
    strategy = open_strategy("one")
    assert strategy.num_replicas_in_sync == 1
    assert is_chief(strategy) and not has_many_workers(strategy)
    assert distribute(strategy, lambda **part: part) == {}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"batch_size": 3}, "`batch_size` must be a multiple of the number of replicas, 2. Received: batch_size=3"),
        ({"accumulate": 2}, "`accumulate` must be 1 on several replicas, of which there are 2: Keras cannot"),
        ({"normalization": "batch"}, "`normalization` must be 'layer' or 'none' on several replicas"),
    ],
)
def test_refuses_what_replicas_cannot_do_together(fields, message):
    recipe = Recipe(steps=4, **{"batch_size": 4, **fields})
    with pytest.raises(InputError) as error:
        check_replicas(TWO, recipe)
    assert str(error.value).startswith(message)
    if "accumulate" in fields or "normalization" in fields:
        check_replicas(tf.distribute.get_strategy(), recipe)  # one device can


@pytest.mark.parametrize(
    "config", ["", "{", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}']
)
def test_tf_config_must_give_this_worker_a_place(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(InputError, match="`TF_CONFIG` must"):
        open_strategy("multi_worker")

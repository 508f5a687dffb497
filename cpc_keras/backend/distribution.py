"""Devices and machines that share a training, through `tf.distribute`."""

import json
import os
import time

import tensorflow as tf

from cpc_keras.errors import InputError, first_line

STRATEGIES = ("one", "mirrored", "multi_worker", "tpu")
# Seconds that a worker waits for what the chief writes.
_PATIENCE = 600


def has_accelerator():
    """Whether TensorFlow sees a GPU or TPU."""
    return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))


def compiles_the_step():
    """Whether XLA is to compile a training step as a whole: on an accelerator without a strategy.

    On a CPU TensorFlow's own kernels are faster, and what replicas tell each
    other in a step is not for XLA.
    """
    return has_accelerator() and not tf.distribute.has_strategy()


def open_strategy(name):
    """A `tf.distribute` strategy.

    To be called before TensorFlow has touched a device.

    Args:
        name: `"one"` (one device), `"mirrored"` (all GPUs of this machine),
            `"multi_worker"` (machines, or processes, that `TF_CONFIG` names) or
            `"tpu"`.

    Returns:
        A `tf.distribute.Strategy`.

    Raises:
        InputError: If the name is unknown, or the machine has not what it takes.
    """
    if name not in STRATEGIES:
        raise InputError(f"`--strategy` must be one of {', '.join(STRATEGIES)}. Received: {name}")
    if name == "one":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "multi_worker":
        _check_tf_config()
        return tf.distribute.MultiWorkerMirroredStrategy()
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(tpu="")
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        reason = first_line(error)
        raise InputError(f"`--strategy` must fit the machine. Received: tpu, but none was found ({reason})") from error
    return tf.distribute.TPUStrategy(resolver)


def _check_tf_config():
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text)
        known = config["task"]["index"] < len(config["cluster"][config["task"]["type"]])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            "`TF_CONFIG` must name the cluster and the place of this worker, as `cpc-keras launch --workers N` does "
            f"on one machine. Received: TF_CONFIG={text!r}"
        ) from error
    if not known:
        raise InputError(f"`TF_CONFIG` must give `task` a place in `cluster`. Received: TF_CONFIG={text}")


def is_chief(strategy):
    """Whether this process is the one that writes: the first worker, or the only process."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type in (None, "chief"):
        return True
    return resolver.task_type == "worker" and resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs


def has_many_workers(strategy):
    """Whether several processes take each step together."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return False
    return sum(map(len, strategy.cluster_resolver.cluster_spec().as_dict().values())) > 1


def check_replicas(strategy, recipe):
    """Raises `InputError` unless several replicas can take the step of one device."""
    replicas = strategy.num_replicas_in_sync
    if recipe.batch_size % replicas:
        raise InputError(
            f"`batch_size` must be a multiple of the number of replicas, {replicas}. "
            f"Received: batch_size={recipe.batch_size}"
        )
    if replicas > 1 and recipe.normalization == "batch":
        raise InputError(
            f"`normalization` must be 'layer' or 'none' on several replicas, of which there are {replicas}: batch norm "
            f"would take the statistics of each by itself. Received: normalization={recipe.normalization!r}"
        )
    if replicas > 1 and recipe.accumulate > 1:
        raise InputError(
            f"`accumulate` must be 1 on several replicas, of which there are {replicas}: Keras cannot accumulate "
            f"there. Received: accumulate={recipe.accumulate}"
        )


def distribute(strategy, batches):
    """Has every worker read its own part of each global batch.

    Args:
        strategy: A `tf.distribute.Strategy`.
        batches: Function with the arguments `worker`, `workers` and `replicas`
            of `cpc_keras.data.training_batches`, which gives a `tf.data.Dataset`.

    Returns:
        What `keras.Model.fit` takes.
    """
    if strategy.num_replicas_in_sync == 1:
        return batches()

    def of_worker(context):
        workers = context.num_input_pipelines
        replicas = context.num_replicas_in_sync // workers
        return batches(worker=context.input_pipeline_id, workers=workers, replicas=replicas)

    return strategy.distribute_datasets_from_function(of_worker)


def wait_for(path):
    """Waits until the chief has written a file.

    Raises:
        InputError: If it does not.
    """
    deadline = time.monotonic() + _PATIENCE
    while not path.is_file():
        if time.monotonic() > deadline:
            raise InputError(
                f"`--run` must be a folder that all workers share; after {_PATIENCE} s the first worker had not "
                f"written into it. Received: {path.parent}"
            )
        time.sleep(0.2)

"""One optimizer step on TensorFlow, on one replica or many."""

from typing import Any

import keras
import tensorflow as tf


class TensorFlowStep:
    """Mixin for a `keras.Model` that learns from images, under any `tf.distribute` strategy.

    A batch may be `images` or `(images, labels)`. What becomes of labels is the
    model's affair: `respond` and `compute_loss` are given them.

    The step of many replicas is that of one device with the same global batch,
    but for batch norm in an encoder, whose statistics are each replica's own:
    candidates come from all replicas, the loss of a replica counts by its share
    of the batch, and gradients are summed over replicas before they are clipped.
    """

    _logs_batches = False
    _stop: Any = None

    def log_batches(self):
        """Adds `batch_digest` to the logs of each training step.

        It is a 48-bit hash of the labels of the global batch, in their order.
        Where labels are the positions of the images, it tells which images a
        step saw.
        """
        self._logs_batches = True

    def listen_for_stop(self: Any):
        """Adds `stop` to the logs of each training step: above 0 once any replica was asked to stop.

        So all workers know it after the same step, whichever of them was told.
        """
        with self.distribute_strategy.scope():
            stop = tf.Variable(
                0.0,
                trainable=False,
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.SUM,
            )
        object.__setattr__(self, "_stop", stop)  # past Keras' tracking: no part of the saved model

    def ask_to_stop(self: Any):
        """Raises `stop` in the logs from the next step on."""
        for replica in self.distribute_strategy.experimental_local_results(self._stop):
            replica.assign(1.0)  # assigned as a whole, it would ask the other workers

    def train_step(self: Any, data):
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        images = _not_empty(images)
        with tf.GradientTape() as tape:
            outputs = self.respond(images, labels, training=True)
            loss = self.compute_loss(x=images, y=labels, y_pred=outputs, training=True)
            scaled = self.optimizer.scale_loss(loss * self._share(images))
        self._apply(tape.gradient(scaled, self.trainable_weights))
        logs = self._log(images, outputs, loss)
        if self._logs_batches and labels is not None:
            logs["batch_digest"] = _for_reduction(_digest(self.all_gather(labels)))
        if self._stop is not None:
            logs["stop"] = _for_reduction(self.all_reduce_sum(self._stop))
        return logs

    def test_step(self: Any, data):
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        images = _not_empty(images)
        outputs = self.respond(images, labels, training=False)
        loss = self.compute_loss(x=images, y=labels, y_pred=outputs, training=False)
        return self._log(images, outputs, loss)

    def respond(self: Any, images, labels, training):
        """What the loss is taken of: what the model says of the images, without their labels."""
        return self(images, training=training)

    def replica_offset(self, batch):
        """Place of this replica's first image in the global batch.

        Args:
            batch: Images of this replica, a whole number or a tensor.
        """
        if not _many_replicas():
            return 0
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        if isinstance(batch, int):
            return replica * batch
        return tf.reduce_sum(self.all_gather(batch[None])[:replica])

    def all_gather(self, values):
        """The same of all replicas, `[n, …]` to `[sum of n, …]`, gradients included."""
        if not _many_replicas():
            return values
        return tf.distribute.get_replica_context().all_gather(_on_device(values), axis=0)

    def all_reduce_sum(self, values):
        """The sum of a tensor over all replicas."""
        if not _many_replicas():
            return values
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, _on_device(values))

    def _share(self, images):
        """This replica's share of the global batch."""
        if not _many_replicas():
            return 1.0
        if images.shape[0]:  # known beforehand, it is the same on every replica
            return 1.0 / tf.distribute.get_strategy().num_replicas_in_sync
        batch = tf.cast(tf.shape(images)[0], "float32")
        return batch / self.all_reduce_sum(batch)

    def _apply(self: Any, gradients):
        if _many_replicas():
            optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)  # loss scaling, with float16
            if optimizer.gradient_accumulation_steps:
                raise ValueError(
                    "`gradient_accumulation_steps` must be None on several replicas, where Keras cannot accumulate. "
                    f"Received: gradient_accumulation_steps={optimizer.gradient_accumulation_steps}"
                )
            kept = [gradient for gradient in gradients if gradient is not None]
            summed = iter(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, kept))
            gradients = [None if gradient is None else next(summed) for gradient in gradients]
            # Keras clips what it is given and sums afterwards, which gives another direction.
            optimizer._all_reduce_sum_gradients = list
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))

    def _log(self: Any, images, outputs, loss):
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(images)[0])
        logs = self.compute_metrics(images, None, outputs)
        return {name: _for_reduction(value) for name, value in logs.items()}

    def _maybe_symbolic_build(self: Any, iterator=None, data_batch=None):
        """Under a strategy Keras would trace the model outside of it; building needs a shape alone."""
        if self._distribute_strategy is None:
            return
        if not self.built:
            spec = iterator.data_adapter.get_tf_dataset().element_spec if data_batch is None else data_batch
            images = tf.nest.flatten(spec)[0]
            images = getattr(images, "_value_specs", (images,))[0]  # one for each replica of this worker
            with self._distribute_strategy.scope():
                self.build((None, *images.shape[1:]))
        if self.optimizer is not None and not self.optimizer.built:
            with self._distribute_strategy.scope():
                self.optimizer.build(self.trainable_weights)


def _many_replicas():
    context = tf.distribute.get_replica_context()  # None where a call is not part of a step
    return context is not None and context.num_replicas_in_sync > 1


def _on_device(values):
    """Arguments of a step and variables lie on no device yet, and TensorFlow sends results to where a tensor lies."""
    return tf.identity(values)


def _not_empty(images):
    """TensorFlow's convolutions fail obscurely where a last batch has fewer images than there are replicas."""
    if not _many_replicas() or images.shape[0]:
        return images
    message = "Each batch must hold an image for every replica. Received: a replica without images"
    with tf.control_dependencies([tf.debugging.assert_positive(tf.shape(images)[0], message)]):
        return tf.identity(images)


def _for_reduction(value):
    """Keras averages what workers return along a first axis, which scalars have not."""
    workers = isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy)
    return tf.reshape(value, (1,)) if workers and _many_replicas() else value


def _digest(labels):
    """48-bit hash of whole numbers and their order, in arithmetic that every device has."""
    labels = tf.cast(tf.reshape(labels, (-1,)), tf.int64)
    mixed = labels + tf.range(1, tf.size(labels, tf.int64) + 1) * 0x9E3779B97F4A7
    for factor in (0x2545F4914F6CDD1D, 0x1B03738712FAD5C9):
        mixed = tf.bitwise.bitwise_xor(mixed, tf.bitwise.right_shift(mixed, tf.constant(31, tf.int64))) * factor
    return tf.bitwise.bitwise_and(tf.reduce_sum(mixed), tf.constant(2**48 - 1, tf.int64))

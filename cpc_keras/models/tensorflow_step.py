"""One optimizer step on TensorFlow."""

from typing import Any

import keras
import tensorflow as tf


class TensorFlowStep:
    """Mixin for a `keras.Model` that learns from images alone.

    A batch may be `images` or `(images, labels)`. Labels never reach the loss;
    they are handed to the metric given to `track_labels`, if any.
    """

    _label_metric = None

    def track_labels(self, metric):
        """Feeds the second part of each batch to `metric`, for the logs only.

        Args:
            metric: A `keras.metrics.Metric` whose `update_state` takes labels.
        """
        # Past Keras' tracking: the metric is the caller's and no part of the saved model.
        object.__setattr__(self, "_label_metric", metric)

    def train_step(self: Any, data):
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        _refuse_replicas()
        with tf.GradientTape() as tape:
            outputs = self(images, training=True)
            loss = self.compute_loss(x=images, y_pred=outputs, training=True)
            scaled = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return self._log(images, labels, outputs, loss)

    def test_step(self: Any, data):
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        outputs = self(images, training=False)
        loss = self.compute_loss(x=images, y_pred=outputs, training=False)
        return self._log(images, labels, outputs, loss)

    def _log(self: Any, images, labels, outputs, loss):
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(images)[0])
        logs = self.compute_metrics(images, labels, outputs)
        if self._label_metric is not None and labels is not None:
            self._label_metric.update_state(labels)
            logs[self._label_metric.name] = self._label_metric.result()
        return logs


def _refuse_replicas():
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if replicas > 1:
        raise ValueError(
            "`strategy` must have one replica: negatives are not yet gathered across replicas, and "
            f"training on would weigh gradients wrongly. Received: {replicas} replicas"
        )

"""Trains a small detector on one device or on two mirrored replicas, and writes its weights.

python -m tests.detection.replicas one|mirrored FILE
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from tests.distribution.train import open_strategy

if __name__ == "__main__":
    mode, file = sys.argv[1:]
    strategy = open_strategy(mode)  # before anything wakes a device
    from tests.detection.test_faster_rcnn import scenes, small_detector

    images, labels = scenes()
    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(4, drop_remainder=True).repeat()
    keras.utils.set_random_seed(0)
    with strategy.scope():
        detector = small_detector()
        detector.compile(keras.optimizers.SGD(0.05, global_clipnorm=1.0), jit_compile=False)
    logs = detector.fit(data, steps_per_epoch=6, verbose=0, shuffle=False).history
    weights = {weight.path: weight.numpy() for weight in detector.weights}
    np.savez(file, **weights, **{f"log/{name}": values[0] for name, values in logs.items()})

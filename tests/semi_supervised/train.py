"""Trains a small network on labelled and unlabelled images, on one device or two replicas, and keeps its weights.

python -m tests.semi_supervised.train MODE FILE
"""

import sys

import numpy as np
import tensorflow as tf

from tests.distribution.train import open_strategy

STEPS, LABELLED, UNLABELLED = 5, 4, 8


def train(strategy):
    import keras

    from cpc_keras.semi_supervised import Entropy, PseudoLabel, Rotation, SemiSupervised

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(STEPS * UNLABELLED, 6, 6, 1)).astype("float32")
    labels = rng.integers(0, 3, STEPS * LABELLED)
    few = tf.data.Dataset.from_tensor_slices((images[: len(labels)], labels)).batch(LABELLED, drop_remainder=True)
    many = tf.data.Dataset.from_tensor_slices(images).batch(UNLABELLED, drop_remainder=True)
    with strategy.scope():
        layers = [keras.Input((6, 6, 1)), keras.layers.Conv2D(4, 3, activation="relu")]
        pool, dense = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, "softmax")
        head = keras.Sequential([keras.Input((4, 4, 4)), pool, dense])
        losses = [PseudoLabel(threshold=0.3), Entropy(weight=0.5), Rotation()]
        model = SemiSupervised(keras.Sequential(layers), head, losses)
        model.compile(optimizer=keras.optimizers.SGD(0.5, global_clipnorm=0.5), jit_compile=False)
    history = model.fit((few, many), steps_per_epoch=STEPS, verbose=0, shuffle=False).history
    weights = {f"weight/{place}": weight.numpy() for place, weight in enumerate(model.trainable_weights)}
    return weights | {f"log/{name}": values[0] for name, values in history.items()}


if __name__ == "__main__":
    mode, file = sys.argv[1:]
    np.savez(file, **train(open_strategy(mode)))

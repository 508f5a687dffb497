"""Trains a small CPC on one device, on two mirrored replicas or as one of two workers, and writes what came out.

python -m tests.distribution.train MODE FOLDER; a worker finds its place in TF_CONFIG.
"""

import pathlib
import sys

import numpy as np
import tensorflow as tf

BATCH = 8
# Images of each run. 155 end, after nineteen batches, with one of three, of which one replica has two.
IMAGES = {"recorder": 8, "sgd": 155, "adam": 160}


def open_strategy(mode):
    if mode == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    return tf.distribute.MultiWorkerMirroredStrategy() if mode == "workers" else tf.distribute.get_strategy()


def train(strategy, optimizer):
    import keras
    from sklearn.datasets import load_sample_images

    from cpc_keras.backend.kernels import adam, layer_norm, split_batch
    from cpc_keras.optimizers import AveragedAdamW, averages
    from tests.conftest import build_small_cpc

    class Recorder(keras.optimizers.Optimizer):
        """Keeps the gradients that would be applied, and applies nothing."""

        def build(self, variables):
            if not self.built:
                super().build(variables)
                self.seen = [self.add_variable_from_reference(one, "seen") for one in variables]

        def update_step(self, gradient, variable, learning_rate):
            self.assign(self.seen[self._get_variable_index(variable)], gradient)

    # Compiled norms and updates on every replica, and an encoder that runs in halves.
    layer_norm._LARGE = adam._LARGE = split_batch._LARGE = 1
    kinds = {
        "recorder": lambda: Recorder(1.0, global_clipnorm=0.01),
        "sgd": lambda: keras.optimizers.SGD(0.05, global_clipnorm=0.01),
        "adam": lambda: AveragedAdamW(1e-3, average_decay=0.9, weight_decay=1e-4, global_clipnorm=0.01),
    }
    keras.utils.set_random_seed(3)
    picture = load_sample_images().images[0][:, :, :1] / 255.0
    places = np.random.default_rng(0).integers(0, 300, (IMAGES[optimizer], 2))
    images = np.stack([picture[y : y + 28, x : x + 28] for y, x in places]).astype("float32")
    with strategy.scope():
        model = build_small_cpc()
        model.compile(optimizer=kinds[optimizer](), jit_compile=False)
    model.log_batches()
    whole = optimizer == "recorder"  # batches of a known size take another way to their place among all
    data = tf.data.Dataset.from_tensor_slices((images, np.arange(len(images)))).batch(BATCH, drop_remainder=whole)
    digests = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: digests.append(logs["batch_digest"]))
    history = model.fit(data, verbose=0, shuffle=False, callbacks=[callback]).history
    out = {f"log/{name}": values[0] for name, values in history.items()}
    out |= {f"weight/{one.path}": one.numpy() for one in model.trainable_weights}
    seen = {"average": averages(model), "gradient": getattr(model.optimizer, "seen", None)}
    for kind, values in seen.items():
        for weight, value in zip(model.trainable_weights, values or (), strict=False):
            out[f"{kind}/{weight.path}"] = value.numpy()
    return out | {"digests": np.array([int(digest) for digest in digests])}


if __name__ == "__main__":
    mode, folder = sys.argv[1:]
    opened = open_strategy(mode)  # before anything wakes a device
    for optimizer in IMAGES:
        np.savez(pathlib.Path(folder) / f"{optimizer}.npz", **train(opened, optimizer))

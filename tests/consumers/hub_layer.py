"""TF Hub's Keras layer: in tf-keras, or in Keras 2 with TensorFlow Addons where that is installed.

ARTEFACT INPUTS.npz OUTPUTS.npz
"""

import sys

import few_labels
import numpy as np
import tensorflow as tf
import tensorflow_hub as hub

try:
    import tensorflow_addons as tfa
    from tensorflow import keras
except ImportError:
    tfa = None
    import tf_keras as keras


def main(artefact, inputs, outputs):
    found = {"stack": f"TensorFlow {tf.__version__}, {'Addons ' + tfa.__version__ if tfa else 'tf-keras'}"}
    with np.load(inputs) as file:
        given = dict(file)
    frozen, trainable = hub.KerasLayer(artefact), hub.KerasLayer(artefact, trainable=True)
    found |= {f"vector_{name}": frozen(given[name]) for name in given if name.startswith("images")}
    build_optimizer, metrics = keras.optimizers.Adam, []
    if tfa:
        build_optimizer = tfa.optimizers.LAMB
        given["rate"] = 10 * given["rate"]  # LAMB's are relative to the size of each weight
        metrics = [tfa.metrics.F1Score(int(given["train_labels"].max()) + 1, average="macro")]
    np.savez(outputs, **found, **few_labels.study(keras, given, frozen, trainable, build_optimizer, metrics))


main(*sys.argv[1:])

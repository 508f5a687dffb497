"""Keras 3: `TFSMLayer`, frozen and fine-tuned.  ARTEFACT INPUTS.npz OUTPUTS.npz"""

import sys

import few_labels
import keras
import numpy as np


def main(artefact, inputs, outputs):
    found = {"stack": f"Keras {keras.__version__}"}
    with np.load(inputs) as file:
        given = dict(file)
    # Without a training endpoint it computes in `fit` as it does elsewhere.
    frozen = keras.layers.TFSMLayer(artefact, call_endpoint="serve", trainable=False)
    trainable = keras.layers.TFSMLayer(artefact, call_endpoint="serve", call_training_endpoint="serve_train")
    maps = keras.layers.TFSMLayer(artefact, call_endpoint="serve_feature_map")
    for name in given:
        if name.startswith("images"):
            found |= {f"vector_{name}": frozen(given[name]), f"map_{name}": maps(given[name])}

    def prepare(model):
        model.optimizer.build(model.trainable_variables)

    found |= few_labels.study(keras, given, frozen, trainable, keras.optimizers.Adam, prepare=prepare)
    np.savez(outputs, **found)


main(*sys.argv[1:])

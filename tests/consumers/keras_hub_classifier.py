"""KerasHub: `ImageClassifier` on the artefact as a backbone.  ARTEFACT INPUTS.npz OUTPUTS.npz"""

import sys

import keras
import keras_hub
import numpy as np


def main(artefact, inputs, outputs):
    with np.load(inputs) as file:
        given = dict(file)
    layer = keras.layers.TFSMLayer(
        artefact, call_endpoint="serve_feature_map", call_training_endpoint="serve_feature_map_train"
    )
    images = keras.Input((None, None, given["train_images"].shape[-1]))
    backbone = keras.Model(images, layer(images))
    found = {f"map_{name}": backbone(given[name]) for name in given if name.startswith("images")}
    before = [np.array(value) for value in layer.variables]
    classes = int(given["train_labels"].max()) + 1
    model = keras_hub.models.ImageClassifier(backbone, num_classes=classes, preprocessor=None)
    model.optimizer.build(model.trainable_variables)
    model.fit(given["train_images"], given["train_labels"], batch_size=20, epochs=1, verbose=0)
    found["moved_trained"] = [
        not np.array_equal(old, np.array(value)) for old, value in zip(before, layer.variables, strict=True)
    ]
    np.savez(outputs, **found)


main(*sys.argv[1:])

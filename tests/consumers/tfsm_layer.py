"""Keras 3: `TFSMLayer`, frozen and fine-tuned.  ARTEFACT INPUTS.npz OUTPUTS.npz"""

import sys

import keras
import numpy as np


def main(artefact, inputs, outputs):
    found = {"stack": f"Keras {keras.__version__}"}
    with np.load(inputs) as file:
        given = dict(file)
    layer = keras.layers.TFSMLayer(artefact, call_endpoint="serve", call_training_endpoint="serve_train")
    maps = keras.layers.TFSMLayer(artefact, call_endpoint="serve_feature_map")
    for name in given:
        if name.startswith("images"):
            found[f"vector_{name}"] = layer(given[name])
            found[f"map_{name}"] = maps(given[name])
    before = [np.array(value) for value in layer.variables]
    classes = int(given["train_labels"].max()) + 1
    keras.utils.set_random_seed(0)
    head = keras.layers.Dense(classes)
    train = given["train_images"], keras.utils.to_categorical(given["train_labels"], classes)
    test = given["test_images"], given["test_labels"]

    layer.trainable = False
    vectors = np.concatenate([layer(train[0][first : first + 100]) for first in range(0, len(train[0]), 100)])
    on_features = keras.Sequential([head])
    on_features.compile(keras.optimizers.Adam(1e-2), keras.losses.CategoricalCrossentropy(from_logits=True))
    on_features.fit(vectors, train[1], epochs=int(given["epochs"]), batch_size=len(vectors), verbose=0)
    model = keras.Sequential([layer, head])
    found["frozen"] = accuracy(model, *test)
    found["moved_frozen"] = moved(before, layer)

    layer.trainable = True
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile(keras.optimizers.Adam(float(given["rate"])), loss)
    model.optimizer.build(model.trainable_variables)
    model.fit(*train, epochs=int(given["passes"]), batch_size=20, verbose=0)
    found["fine_tuned"] = accuracy(model, *test)
    found["moved_trained"] = moved(before, layer)
    found["trainable"] = len(layer.trainable_variables)
    np.savez(outputs, **found)


def accuracy(model, images, labels):
    said = np.concatenate([model(images[first : first + 250]) for first in range(0, len(images), 250)])
    return (said.argmax(axis=1) == labels).mean()


def moved(before, layer):
    return [not np.array_equal(old, np.array(value)) for old, value in zip(before, layer.variables, strict=True)]


main(*sys.argv[1:])

"""TF Hub's Keras layer: in tf-keras, or in Keras 2 with TensorFlow Addons where that is installed.

ARTEFACT INPUTS.npz OUTPUTS.npz
"""

import sys

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
    frozen = hub.KerasLayer(artefact)
    for name in given:
        if name.startswith("images"):
            found[f"vector_{name}"] = frozen(given[name])
    before = [value.numpy() for value in frozen.variables]
    classes = int(given["train_labels"].max()) + 1
    keras.utils.set_random_seed(0)
    head = keras.layers.Dense(classes)
    train = given["train_images"], keras.utils.to_categorical(given["train_labels"], classes)
    test = given["test_images"], keras.utils.to_categorical(given["test_labels"], classes)

    # Frozen: the head learns from features that are computed once; a layer that is not trainable stays as it is.
    vectors = np.concatenate([frozen(train[0][first : first + 100]) for first in range(0, len(train[0]), 100)])
    on_features = keras.Sequential([head])
    on_features.compile(keras.optimizers.Adam(1e-2), keras.losses.CategoricalCrossentropy(from_logits=True))
    on_features.fit(vectors, train[1], epochs=int(given["epochs"]), batch_size=len(vectors), verbose=0)
    whole = keras.Sequential([frozen, head])
    whole(train[0][:1])
    found["frozen"] = accuracy(whole, *test)
    found["moved_frozen"] = moved(before, frozen)

    trainable = hub.KerasLayer(artefact, trainable=True)
    model = keras.Sequential([trainable, head])
    model(train[0][:1])
    metrics = [tfa.metrics.F1Score(classes, average="macro")] if tfa else []
    rate = float(given["rate"])
    optimizer = tfa.optimizers.LAMB(10 * rate) if tfa else keras.optimizers.Adam(rate)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile(optimizer, loss, metrics=metrics)
    model.fit(*train, epochs=int(given["passes"]), batch_size=20, verbose=0)
    found["fine_tuned"] = accuracy(model, *test)
    found["moved_trained"] = moved(before, trainable)
    found["trainable"] = len(trainable.trainable_variables)
    np.savez(outputs, **found)


def accuracy(model, images, labels):
    said = np.concatenate([model(images[first : first + 250]) for first in range(0, len(images), 250)])
    return (said.argmax(axis=1) == labels.argmax(axis=1)).mean()


def moved(before, layer):
    return [not np.array_equal(old, value.numpy()) for old, value in zip(before, layer.variables)]  # noqa: B905


main(*sys.argv[1:])

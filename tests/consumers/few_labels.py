"""A linear layer on a frozen encoder, and fine-tuning from there, in whichever Keras a consumer has."""

import numpy as np


def study(keras, given, frozen, trainable, optimizer, metrics=(), prepare=lambda model: None):
    """Accuracy before and after fine-tuning, and which weights moved.

    Args:
        keras: The Keras module.
        given: Dictionary with `train_images`, `train_labels`, `test_images`,
            `test_labels`, `epochs` (of the linear layer) and `passes` (of
            fine-tuning).
        frozen: Layer from images to vectors that is not to be trained.
        trainable: One that is.
        optimizer: Fine-tunes it.
        metrics: Watched while it does.
        prepare: Function of the compiled model, called before `fit`.

    Returns:
        A dictionary of arrays.
    """
    classes = int(given["train_labels"].max()) + 1
    images, labels = given["train_images"], keras.utils.to_categorical(given["train_labels"], classes)
    test = given["test_images"], given["test_labels"]
    keras.utils.set_random_seed(0)
    head = keras.layers.Dense(classes)

    # The linear layer learns from vectors that are computed once, as the encoder stays as it is.
    before = weights(frozen)
    vectors = in_batches(frozen, images)
    on_vectors = keras.Sequential([head])
    on_vectors.compile(keras.optimizers.Adam(1e-2), keras.losses.CategoricalCrossentropy(from_logits=True))
    on_vectors.fit(vectors, labels, epochs=int(given["epochs"]), batch_size=len(vectors), verbose=0)
    whole = keras.Sequential([frozen, head])
    found = {"frozen": accuracy(whole, *test)}
    # Not even its statistics move when a model that contains it is trained.
    whole.compile(keras.optimizers.Adam(0.0), keras.losses.CategoricalCrossentropy(from_logits=True))
    whole.fit(images[:20], labels[:20], verbose=0)
    found["moved_frozen"] = moved(before, frozen)

    before = weights(trainable)
    model = keras.Sequential([trainable, head])
    model(images[:1])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile(optimizer, loss, metrics=list(metrics))
    prepare(model)
    model.fit(images, labels, epochs=int(given["passes"]), batch_size=20, verbose=0)
    found["fine_tuned"] = accuracy(model, *test)
    found["moved_trained"] = moved(before, trainable)
    found["trainable"] = len(trainable.trainable_variables)
    return found


def in_batches(function, images):
    return np.concatenate([function(images[first : first + 250]) for first in range(0, len(images), 250)])


def accuracy(model, images, labels):
    return (in_batches(model, images).argmax(axis=1) == labels).mean()


def weights(layer):
    return [np.array(value) for value in layer.variables]


def moved(before, layer):
    return [not np.array_equal(old, new) for old, new in zip(before, weights(layer), strict=True)]

"""A linear layer on a frozen encoder, and fine-tuning from there, in whichever Keras a consumer has."""

import numpy as np

BATCH = 20
# Pixels by which images are shifted at most while the encoder is trained; half of them are mirrored.
SHIFT = 2


def study(keras, given, frozen, trainable, build_optimizer, metrics=(), prepare=lambda model: None):
    """Accuracy before and after fine-tuning, and which weights moved.

    Fine-tuning starts with the linear layer on the frozen encoder (Kumar et al.
    2022, arXiv 2202.10054), sees images shifted and mirrored, and ends with a
    rate of zero.

    Args:
        keras: The Keras module.
        given: Dictionary with `train_images`, `train_labels`, `test_images`,
            `test_labels`, `epochs` (of the linear layer), and `passes` and `rate`
            (of fine-tuning).
        frozen: Layer from images to vectors that is not to be trained.
        trainable: One that is.
        build_optimizer: Function from a schedule of rates to what fine-tunes it.
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
    found = {"frozen": accuracy(keras.Sequential([frozen, head]), *test)}
    # Neither weights nor statistics move when a model that contains it is trained.
    around = keras.Sequential([frozen, keras.layers.Dense(classes)])
    around.compile(keras.optimizers.Adam(1e-2), keras.losses.CategoricalCrossentropy(from_logits=True))
    around.fit(images[:20], labels[:20], verbose=0)
    found["moved_frozen"] = moved(before, frozen)

    before = weights(trainable)
    model = keras.Sequential([trainable, head])
    model(images[:1])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    seen, order = augmented(images, int(given["passes"]))
    schedule = keras.optimizers.schedules.CosineDecay(float(given["rate"]), -(-len(seen) // BATCH))
    model.compile(build_optimizer(schedule), loss, metrics=list(metrics))
    prepare(model)
    model.fit(seen, labels[order], batch_size=BATCH, shuffle=False, verbose=0)
    found["fine_tuned"] = accuracy(model, *test)
    found["moved_trained"] = moved(before, trainable)
    found["trainable"] = len(trainable.trainable_variables)
    return found


def augmented(images, passes):
    """`(images, positions)` of so many passes, each in an order and with shifts of its own."""
    rng = np.random.default_rng(0)
    order = np.concatenate([rng.permutation(len(images)) for _ in range(passes)])
    height, width = images.shape[1:3]
    padded = np.pad(images, [(0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)])
    seen = np.empty((len(order), *images.shape[1:]), images.dtype)
    for place, position in enumerate(order):
        top, left = rng.integers(0, 2 * SHIFT + 1, 2)
        piece = padded[position, top : top + height, left : left + width]
        seen[place] = piece[:, :: rng.choice((-1, 1))]
    return seen, order


def in_batches(function, images):
    return np.concatenate([function(images[first : first + 250]) for first in range(0, len(images), 250)])


def accuracy(model, images, labels):
    return (in_batches(model, images).argmax(axis=1) == labels).mean()


def weights(layer):
    return [np.array(value) for value in layer.variables]


def moved(before, layer):
    return [not np.array_equal(old, new) for old, new in zip(before, weights(layer), strict=True)]

"""The step that sums labelled and unlabelled losses."""

import keras
import numpy as np
import pytest
from sklearn.datasets import make_moons

from cpc_keras.semi_supervised import (
    UDA,
    VAT,
    Entropy,
    Exemplar,
    FixMatch,
    PseudoLabel,
    Rotation,
    SemiSupervised,
    StrongAugmentation,
    WeakAugmentation,
)

tf = pytest.importorskip("tensorflow")


def on_vectors(losses, width=32, seed=0, **kwargs):
    keras.utils.set_random_seed(seed)
    encoder = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(width, "relu"), keras.layers.Dense(width, "relu")]
    )
    head = keras.Sequential([keras.Input((width,)), keras.layers.Dense(2, "softmax")])
    model = SemiSupervised(encoder, head, losses, **kwargs)
    model.compile(optimizer=keras.optimizers.Adam(0.01))
    return model


def on_images(losses, normalization=True, dropout=0.0):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, padding="same")]
    layers += [keras.layers.BatchNormalization()] if normalization else []
    encoder = keras.Sequential([*layers, keras.layers.ReLU()])
    pooled = [keras.Input((8, 8, 4)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dropout(dropout)]
    head = keras.Sequential([*pooled, keras.layers.Dense(3, "softmax")])
    model = SemiSupervised(encoder, head, losses, WeakAugmentation(), StrongAugmentation())
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    return model


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return (rng.uniform(size=(6, 8, 8, 1)).astype("float32"), np.arange(6) % 3), rng.uniform(size=(20, 8, 8, 1)).astype(
        "float32"
    )


@pytest.mark.slow
def test_all_terms_train_on_images_together(images, tmp_path):
    losses = [
        PseudoLabel(),
        VAT(),
        Entropy(),
        UDA(annealing="exp"),
        FixMatch(),
        Rotation(),
        Exemplar(copies=2, width=8),
    ]
    model = on_images(losses)
    history = model.fit(images, batch_size=6, unlabelled_batch_size=10, epochs=2, verbose=0).history
    assert set(history) == {"loss", "accuracy", "class_loss", *(term.name for term in losses)}
    assert all(np.isfinite(values).all() for values in history.values())
    assert int(model.steps_done) == int(model.steps_in_all) == 4
    assert model.predict(images[1], verbose=0).shape == (20, 3)
    assert 0.0 <= model.evaluate(*images[0], verbose=0, return_dict=True)["accuracy"] <= 1.0
    model.classifier.save(tmp_path / "classifier.keras")
    kept = keras.saving.load_model(tmp_path / "classifier.keras")
    np.testing.assert_allclose(kept(images[1]), model(images[1]), atol=1e-6)


@pytest.mark.slow
def test_perturbed_passes_move_no_statistics(images):
    """The moving mean after a step is that of plain training on the same images."""
    losses = [VAT(), UDA(), Rotation(), Exemplar(copies=2, width=4)]
    plain, all_of_them = on_images([]), on_images(losses)
    moved = []
    for model in (plain, all_of_them):
        model.weak = None
        model.fit(images, batch_size=6, unlabelled_batch_size=20, epochs=1, verbose=0)
        (norm,) = [layer for layer in model.encoder.layers if isinstance(layer, keras.layers.BatchNormalization)]
        moved.append(np.asarray(norm.moving_mean))
    assert np.abs(moved[0]).max() > 1e-4
    np.testing.assert_allclose(moved[1], moved[0], rtol=1e-5)


def test_the_perturbed_pass_has_the_same_dropout_mask(images):
    """Without a change there is no divergence, masks or not; with other masks there would be."""

    class Unchanged(VAT):
        def __call__(self, batch):
            again = batch.logits_again(batch.everything)
            return keras.ops.max(keras.ops.abs(again - batch.all_logits))

    model = on_images([Unchanged()], dropout=0.5)
    model.head.layers[-1].kernel.assign(np.random.default_rng(0).normal(size=(4, 3)))
    history = model.fit(images, batch_size=6, unlabelled_batch_size=10, epochs=3, verbose=0).history
    assert max(history["vat"]) < 1e-5
    pooled = keras.ops.ones((6, 4))
    drop = model.head.layers[1]
    assert not np.array_equal(drop(pooled, training=True), drop(pooled, training=True))


def test_masks_are_drawn_anew_each_step(images):
    model = on_images([VAT()], dropout=0.5)
    state = []
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: state.append([np.asarray(one).tolist() for one in model._seeds()])
    )
    model.fit(images, batch_size=6, unlabelled_batch_size=10, epochs=2, verbose=0, callbacks=[record])
    assert len({str(one) for one in state}) == len(state) == 4


def test_turned_copies_are_learnt_as_their_class(images):
    """The class loss is a mean over the four turns: from weights that see no turn it is the plain one."""
    (pictures, labels), unlabelled = images
    flat = np.broadcast_to(pictures.mean(axis=(1, 2), keepdims=True), pictures.shape).copy()
    plain, turned = (on_images(losses, normalization=False) for losses in ([], [Rotation(weight=0.0)]))
    losses = []
    for model in (plain, turned):
        model.weak = None
        data = ((flat, labels), unlabelled)
        losses.append(model.fit(data, batch_size=6, unlabelled_batch_size=20, verbose=0).history["class_loss"][0])
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_learnt_labels_are_annealed_away():
    """At the beginning a label that is known above chance does not count."""
    model = on_vectors([UDA(annealing="linear", weight=0.0)], strong=keras.layers.Identity())
    model.head.layers[-1].bias.assign([3.0, 0.0])
    points = np.zeros((4, 2), "float32")
    data = ((points, np.array([0, 0, 0, 1])), points)
    loss = model.fit(data, batch_size=4, unlabelled_batch_size=4, verbose=0).history["class_loss"][0]
    assert loss == pytest.approx(np.log1p(np.exp(3.0)), rel=0.05)  # that of the one label that is not known


def test_weights_of_labelled_images_count():
    points, labels = np.zeros((4, 2), "float32"), np.array([0, 1, 1, 1])
    few = tf.data.Dataset.from_tensors((points, labels, np.array([4.0, 0.0, 0.0, 0.0])))
    model = on_vectors([])
    model.head.layers[-1].bias.assign([3.0, 0.0])
    data = few, tf.data.Dataset.from_tensors(points)
    loss = model.fit(data, steps_per_epoch=1, verbose=0).history["class_loss"][0]
    assert loss == pytest.approx(np.log1p(np.exp(-3.0)), rel=1e-5)  # that of the first alone


def test_refuses():
    with pytest.raises(ValueError, match="`losses` must be terms of different names. Received: vat, vat"):
        on_vectors([VAT(), VAT()])
    with pytest.raises(ValueError, match="`strong` must be a layer for uda"):
        on_vectors([UDA()])
    with pytest.raises(ValueError, match="`steps_per_epoch` must be given"):
        empty = tf.data.Dataset.range(1)
        on_vectors([]).fit((empty, empty))


@pytest.mark.slow
def test_two_moons():
    """Three labels a class, 1,000 points without: what the shape of the data adds. Means over three draws."""
    found = {}
    for name, losses in (
        ("supervised", lambda: []),
        ("pseudo-label", lambda: [PseudoLabel()]),
        ("VAT", lambda: [VAT(epsilon=0.3)]),
    ):
        found[name] = np.mean([accuracy_on_moons(losses(), seed) for seed in range(3)])
    assert found["supervised"] < 0.9, found
    assert found["pseudo-label"] > found["supervised"] - 0.03, found
    assert found["VAT"] > 0.97, found


def accuracy_on_moons(losses, seed):
    points, truth = make_moons(1000, noise=0.08, random_state=seed)
    points = points.astype("float32")
    rng = np.random.default_rng(seed)
    few = np.concatenate([rng.choice(np.flatnonzero(truth == label), 3, replace=False) for label in (0, 1)])
    model = on_vectors(losses, width=128, seed=seed)
    model.compile(optimizer=keras.optimizers.Adam(0.003), steps_per_execution=50)
    data = ((points[few], truth[few]), points)
    model.fit(data, batch_size=6, unlabelled_batch_size=500, steps_per_epoch=500, verbose=0)
    return np.mean(model.predict(points, batch_size=1000, verbose=0).argmax(axis=1) == truth)


def test_what_is_said_of_unlabelled_images_beforehand_is_learnt():
    """Labels that are all of one class, and probabilities of an earlier classifier that tell both."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(200, 2)).astype("float32")
    said = np.eye(2, dtype="float32")[(points[:, 0] > 0).astype(int)] * 0.8 + 0.1
    model = on_vectors([PseudoLabel()])
    few = points[:2], np.zeros(2, int)
    model.fit((few, (points, said)), batch_size=2, unlabelled_batch_size=50, epochs=30, verbose=0)
    found = model.predict(points[2:], verbose=0).argmax(axis=1)
    assert (found == said[2:].argmax(axis=1)).mean() > 0.9

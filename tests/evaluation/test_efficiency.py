import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.errors import InputError
from cpc_keras.evaluation import label_efficiency
from cpc_keras.evaluation.classifier import UNSEARCHED
from cpc_keras.evaluation.encoders import Encoder, cpc_encoder, load_encoder
from cpc_keras.evaluation.methods import STARTS
from cpc_keras.evaluation.networks import estimators, planned_methods
from cpc_keras.evaluation.results import FIELDS
from cpc_keras.models import ClassifierHead

HEAD = functools.partial(ClassifierHead, blocks=1, width=16, bottleneck=4)


@pytest.fixture
def labelled(photographs):
    """Grey pieces of 28 px, sky 0 and flower 1."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    corners = rng.integers(0, 390, (60, 2))
    pictures = [photographs[label][y : y + 28, x : x + 28] for label, (y, x) in zip(labels, corners, strict=True)]
    return np.stack(pictures).mean(axis=3, keepdims=True).astype("uint8"), labels


@pytest.mark.slow
def test_every_method_on_a_cpc_model(small_cpc, labelled):
    model = small_cpc()
    model.build((None, 28, 28, 1))
    images, labels = labelled
    table = label_efficiency(
        model,
        (images[:40], labels[:40]),
        (images[40:], labels[40:]),
        labels_per_class=(1,),  # nothing to search with, so that networks train once each
        methods=("linear", "linear_v1", "linear_v2", "knn", "resnet", "finetune", "supervised"),
        seeds=2,
        baselines=("untrained", "pixels"),
        build_head=HEAD,
    )
    assert tuple(table.columns) == FIELDS
    found = table.groupby(["encoder", "method"]).size().to_dict()
    probes = ("linear", "linear_v1", "linear_v2", "knn")
    expected = {("cpc", method): 2 for method in (*probes, "resnet", "finetune")}
    expected |= {("untrained", method): 2 for method in probes}
    expected |= {("pixels", method): 2 for method in ("linear", "knn")} | {("scratch", "supervised"): 2}
    assert found == expected
    assert (table["trials"] == 1).all()
    assert table["top1"].between(0, 1).all()
    assert set(table[table["method"] == "linear_v2"]["selected"].map(lambda chosen: chosen["pooling"])) == {"locations"}


def test_a_keras_encoder_without_a_test_split_goes_on_where_it_was(labelled, tmp_path):
    encoder = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(4, 5, strides=3)], name="conv")
    arguments = {"methods": ("linear",), "labels_per_class": (5,), "seeds": 1, "folder": tmp_path}
    table = label_efficiency(encoder, labelled, **arguments)
    assert table["encoder"].tolist() == ["pixels", "conv"]
    assert table["split"].unique().tolist() == ["cross-validated, 5 folds of all"]
    again = label_efficiency(encoder, labelled, **arguments)
    assert again.equals(table)  # `seconds` too: nothing was computed


def test_refusals(labelled):
    with pytest.raises(InputError, match=r"`methods` must be names out of .*Received: methods=\('magic',\)"):
        label_efficiency(None, labelled, methods=("magic",))
    with pytest.raises(InputError, match=r"`images` must be \[N, H, W, C\].*Received: shape \(2, 3\)"):
        label_efficiency(None, (np.zeros((2, 3)), [0, 1]))
    with pytest.raises(InputError, match="`labels` must be 60 integers from 0 on. Received: float64"):
        label_efficiency(None, (labelled[0], labelled[1] / 2))


@pytest.mark.slow
def test_a_network_knows_nothing_of_the_labels_it_is_tested_on(small_cpc, labelled):
    model = small_cpc()
    model.build((None, 28, 28, 1))
    images, labels = labelled
    arguments = {"labels_per_class": (2,), "methods": ("finetune",), "seeds": 1, "baselines": (), "build_head": HEAD}
    one, two = (
        label_efficiency(model, (images[:40], labels[:40]), (images[40:], truth), **arguments).iloc[0]
        for truth in (labels[40:], 1 - labels[40:])
    )
    assert one["selected"] == two["selected"]
    assert one["top1"] == pytest.approx(1 - two["top1"])


def test_networks_need_an_encoder_of_maps(labelled):
    encoder = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()], name="flat")
    with pytest.raises(InputError, match="`methods` must be probes .* Received: finetune for flat"):
        label_efficiency(encoder, labelled, methods=("finetune",), labels_per_class=(2,), build_head=HEAD)


@pytest.mark.slow
def test_encoders_from_files(labelled, tmp_path):
    """A Keras application with random weights, as a .keras file and in the SavedModel forms that are about."""
    grey = tf.constant(labelled[0][:4] / 255.0, tf.float32)
    shape = (64, 64, 3)
    network = keras.applications.MobileNetV3Small(weights=None, include_top=False, pooling="avg", input_shape=shape)
    network.save(tmp_path / "mobile.keras")
    of_file = load_encoder(tmp_path / "mobile.keras", 28, value_range=(0.0, 255.0))
    assert (of_file.name, of_file.backbone) == ("mobile", None)
    expected = of_file.features(grey)["vector"]
    assert expected.shape == (4, 576)

    network.export(tmp_path / "exported", verbose=False)  # not callable, one signature of a fixed size
    exported = load_encoder(tmp_path / "exported", 28, value_range=(0.0, 255.0))
    np.testing.assert_allclose(exported.features(grey)["vector"], expected, atol=1e-4)

    for factor in (1.0, 2.0):  # callable, a dictionary, no variables
        module = tf.Module()
        module.__call__ = tf.function(
            lambda images, factor=factor: {"features": factor * tf.reduce_mean(images, axis=(1, 2))},
            input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)],
        )
        tf.saved_model.save(module, str(tmp_path / f"times{factor:g}"))
    once, twice = (load_encoder(tmp_path / f"times{factor}", 28) for factor in (1, 2))
    np.testing.assert_allclose(2 * once.features(grey)["vector"], twice.features(grey)["vector"], rtol=1e-6)
    assert once.digest != twice.digest

    for nothing in (tmp_path / "nothing.keras", tmp_path):
        with pytest.raises(InputError, match="`--encoder` must be a .keras file or the folder of a SavedModel"):
            load_encoder(nothing, 28)
    free = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 5, 2), keras.layers.Conv2D(4, 13)])
    free.save(tmp_path / "free.keras")  # takes any size, but for such as its kernels do not fit on
    assert load_encoder(tmp_path / "free.keras", 96).backbone is not None
    with pytest.raises(InputError, match="turns images of 28 × 28 px into .*free.keras .*[Nn]egative dimension"):
        load_encoder(tmp_path / "free.keras", 28)


def test_an_encoder_is_asked_for_when_its_turn_comes():
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3)])
    own, pixels, map_giver, other = (
        Encoder(name, None, features=None, digest=name, backbone=backbone)
        for name, backbone in (("cpc", network), ("pixels", None), ("maps", network), ("vectors", None))
    )
    opened = []

    def checkpoints():
        for step in (100, 200):
            opened.append(step)
            yield Encoder("cpc", step, features=None, digest=f"step {step}")

    turns = planned_methods(own, ("knn", "finetune", "supervised"), [pixels], [map_giver, other], checkpoints())
    assert [(encoder.name, methods) for encoder, methods in (next(turns) for _ in range(5))] == [
        ("cpc", ["knn", "finetune"]),
        ("pixels", ["knn"]),
        ("maps", ["knn", "finetune"]),
        ("vectors", ["knn"]),
        ("scratch", ["supervised"]),
    ]
    assert opened == []
    assert [(encoder.checkpoint, methods) for encoder, methods in turns] == [(100, ["knn"]), (200, ["knn"])]


def test_networks_that_learn_from_unlabelled_images_start_where_they_are_asked_to():
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3)])
    own = Encoder("cpc", 100, features=None, digest="own", backbone=network)

    def turns(start):
        planned = planned_methods(own, ("knn", "vat", "supervised"), starts=STARTS[start])
        return [(encoder.name, encoder.checkpoint, methods) for encoder, methods in planned]

    assert turns("cpc") == [("cpc", 100, ["knn", "vat"]), ("scratch", None, ["supervised"])]
    assert turns("scratch") == [("cpc", 100, ["knn"]), ("scratch", None, ["supervised", "vat"])]
    assert turns("both") == [("cpc", 100, ["knn", "vat"]), ("scratch", None, ["supervised", "vat"])]


def test_the_baseline_is_searched_as_fine_tuning_is(small_cpc, labelled, tmp_path):
    model = small_cpc()
    data = LabelledImages(from_arrays(*labelled), from_arrays(*labelled))
    finetune, supervised = estimators(
        cpc_encoder(model), ("finetune", "supervised"), data, tmp_path, crop=28, build_head=HEAD
    )
    assert finetune.classifier.space == supervised.classifier.space
    assert finetune.classifier.trials == supervised.classifier.trials == 9
    shapes = [
        [weight.shape for weight in one.classifier.build_model({**UNSEARCHED, "head": "grid3", "dropout": 0.0}).weights]
        for one in (finetune, supervised)
    ]
    assert shapes[0] == shapes[1]

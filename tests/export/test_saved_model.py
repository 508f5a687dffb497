import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax

import cpc_keras
from cpc_keras import export
from cpc_keras.data.image_set import to_float
from cpc_keras.data.resize import convert
from cpc_keras.errors import InputError
from cpc_keras.evaluation.features import pool
from cpc_keras.models import CPC, ResNet
from tests.conftest import build_small_cpc

HEAD = np.random.default_rng(0).normal(size=(16, 3)).astype("float32"), np.float32([0.1, 0.0, -0.1])


def mean(grid, whole):
    return pool("mean", grid, whole)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = build_small_cpc()
    model.build((None, 28, 28, 1))
    return model


@pytest.fixture(scope="module")
def artefact(model, tmp_path_factory):
    """The model with all that an export may have."""
    return export.save(
        model,
        tmp_path_factory.mktemp("artefacts") / "out",
        pooling=lambda grid, whole: pool("grid2", grid, whole),
        description={"pre_training": "none", "input": {"short_side": 30}},
        head=export.LinearHead(mean, *HEAD, ("sky", "stone", "petal")),
    )


@pytest.fixture(scope="module")
def loaded(artefact):
    return tf.saved_model.load(artefact)


def test_round_trip_at_other_sizes_and_batches(model, loaded, photo_crops):
    grid = np.asarray(model.encode(photo_crops))
    np.testing.assert_allclose(loaded(photo_crops), grid.mean(axis=(1, 2)), atol=1e-5)
    np.testing.assert_allclose(loaded(photo_crops[:5], training=True), grid[:5].mean(axis=(1, 2)), atol=1e-5)
    signatures = loaded.signatures
    images = tf.constant(photo_crops)
    np.testing.assert_allclose(signatures["patch_grid"](images)["patch_grid"], grid, atol=1e-5)
    np.testing.assert_allclose(
        signatures["serving_default"](images)["feature_vector"], grid.mean(axis=(1, 2)), atol=1e-5
    )
    whole = model.encoder(photo_crops)
    np.testing.assert_allclose(signatures["feature_map"](images)["feature_map"], whole, atol=1e-5)
    np.testing.assert_allclose(signatures["selected"](images)["features"], pool("grid2", grid, whole), atol=1e-5)


def test_other_sizes_are_cropped_to_what_patches_cover(model, loaded, photographs):
    image = photographs[0][None, :34, :49, :1].astype("float32") / 255.0
    grid = loaded.signatures["patch_grid"](tf.constant(image))["patch_grid"]
    assert grid.shape == (1, 6, 10, 16)
    np.testing.assert_allclose(grid, model.encode(image[:, 1:33, 0:48]), atol=1e-5)


def test_three_channels_are_converted_for_a_grey_encoder(loaded, photo_crops):
    np.testing.assert_allclose(loaded(np.repeat(photo_crops, 3, axis=3)), loaded(photo_crops), atol=1e-4)


def test_a_bfloat16_model_is_exported_in_float32(small_cpc, photo_crops, tmp_path):
    model = small_cpc(dtype="mixed_bfloat16")
    model(photo_crops)
    loaded = tf.saved_model.load(export.save(model, tmp_path / "out"))
    assert all(variable.dtype == tf.float32 for variable in loaded.variables)
    graph = loaded.signatures["serving_default"].graph.as_graph_def()
    kinds = {attribute.type for node in graph.node for attribute in node.attr.values()}
    assert tf.bfloat16.as_datatype_enum not in kinds
    np.testing.assert_allclose(loaded(photo_crops), np.asarray(model.encode(photo_crops)).mean(axis=(1, 2)), atol=0.05)


@pytest.mark.parametrize("pixels", [12, 31])
def test_vectors_and_maps_of_any_size_are_those_of_the_encoder(pixels, model, loaded, photographs):
    images = np.stack([picture[:pixels, : pixels + 5, :1] / 255.0 for picture in photographs]).astype("float32")
    np.testing.assert_allclose(loaded.serve_feature_map(images), model.encoder(images), atol=1e-5)
    np.testing.assert_allclose(loaded.serve(images), loaded(images), atol=1e-6)


def test_the_head_says_what_a_softmax_on_its_features_says(artefact, loaded, photo_crops):
    kernel, bias = HEAD
    said = loaded.signatures["classify"](tf.constant(photo_crops))
    expected = softmax(np.asarray(loaded(photo_crops)) @ kernel + bias, axis=1)
    np.testing.assert_allclose(said["probabilities"], expected, atol=1e-5)
    assert said["class_names"].numpy().tolist() == len(photo_crops) * [[b"sky", b"stone", b"petal"]]
    told = json.loads((artefact / "model.json").read_text())
    assert told["head"] == {"classes": 3, "class_names": ["sky", "stone", "petal"]}
    assert "Classes of `classify`, in its order: sky, stone, petal." in (artefact / "README.md").read_text()


def test_whole_images_are_prepared_before_they_are_classified(loaded, photographs):
    pictures = np.stack([picture[:90, :140] for picture in photographs])
    crops = np.stack([to_float(convert(picture, 1, 30))[1:29, 9:37] for picture in pictures])
    classify, features = (loaded.signatures[name] for name in ("classify", "serving_default"))
    given = {
        "": {"images": tf.constant(pictures / 255.0, tf.float32)},
        "_uint8": {"images": tf.constant(pictures)},
        "_encoded": {"encoded": tf.stack([tf.io.encode_png(picture) for picture in pictures])},
    }
    for form, images in given.items():
        said = loaded.signatures[f"classify{form}"](**images)
        expected = classify(tf.constant(crops))
        np.testing.assert_allclose(said["probabilities"], expected["probabilities"], atol=1e-6)
        np.testing.assert_array_equal(said["class_names"], expected["class_names"])
        vectors = loaded.signatures[f"features{form}"](**images)["feature_vector"]
        np.testing.assert_allclose(vectors, features(tf.constant(crops))["feature_vector"], atol=1e-6)


def test_without_a_recipe_whole_images_are_cut_to_what_the_model_was_built_for(model, photographs, tmp_path):
    loaded = tf.saved_model.load(export.save(model, tmp_path / "out"))
    assert "classify" not in loaded.signatures
    whole = (photographs[0][None, :60, :70, :1] / 255.0).astype("float32")
    vectors = loaded.signatures["features"](tf.constant(whole))["feature_vector"]
    np.testing.assert_allclose(vectors, loaded(whole[:, 16:44, 21:49]), atol=1e-5)
    assert "not resized, cut to 28 × 28 px in the middle" in (tmp_path / "out" / "README.md").read_text()


def test_says_that_no_patch_fits(loaded, photographs):
    small = tf.constant(photographs[0][None, :30, :11, :1] / 255.0, "float32")
    signatures = (loaded.signatures[name] for name in ("serving_default", "patch_grid"))
    for compute in (loaded, loaded.serve, *signatures):
        with pytest.raises(tf.errors.InvalidArgumentError, match="images must be at least 12 px high and wide"):
            compute(small)
    assert np.isfinite(loaded.signatures["feature_map"](small)["feature_map"]).all()


def test_an_encoder_of_other_channels_takes_these_alone(photographs, tmp_path):
    encoder = ResNet((8,), (1,), stem="medium", input_shape=(None, None, 2))
    model = CPC(encoder, patch_size=12, stride=4, offsets=(2,), target_dim=8, context_blocks=1, context_width=8)
    model.build((None, 28, 28, 2))
    loaded = tf.saved_model.load(export.save(model, tmp_path / "out"))
    images = (photographs[0][None, :28, :28, :2] / 255.0).astype("float32")
    np.testing.assert_allclose(loaded(images), export.ImageFeatures(model)(images), atol=1e-5)
    whole = tf.pad(tf.constant(photographs[0][None, :28, :28, :2]), [(0, 0), (16, 16), (3, 3), (0, 0)])
    vectors = loaded.signatures["features_uint8"](whole)["feature_vector"]
    np.testing.assert_allclose(vectors, loaded(images), atol=1e-5)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "takes `images` as `[B, H, W, 2]`" in card and "encoded" not in card


def test_describes_itself(model, artefact):
    told = json.loads((artefact / "model.json").read_text())
    assert told["input"] == {"channels": 1, "smallest": 12, "crop": 28, "short_side": 30}
    assert told["signatures"]["serving_default"] == {"takes": "crops", "outputs": {"feature_vector": [None, 16]}}
    assert {name: one["takes"] for name, one in told["signatures"].items() if name.startswith("classify")} == {
        "classify": "float32 images",
        "classify_uint8": "uint8 images",
        "classify_encoded": "encoded images",
    }
    assert told["weights"] == sum(weight.size for weight in model.encoder.get_weights())
    card = (artefact / "README.md").read_text()
    assert "| pre-training | none |" in card and told["sha256"] in card and "No accuracy is stated" in card
    assert "the short side resized to 30 px, then cut to 28 × 28 px" in card


def test_replaces_an_export_but_nothing_else(model, tmp_path):
    path = export.save(model, tmp_path / "out", description={"pre_training": "first"})
    assert not {"selected", "classify"} & set(tf.saved_model.load(path).signatures)
    export.save(model, tmp_path / "out", description={"pre_training": "second"})
    assert "second" in (tmp_path / "out" / "README.md").read_text()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    with pytest.raises(InputError, match="`DEST` must be a new folder or an older export"):
        export.save(model, tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep"
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="`DEST` must be a folder that can be written to"):
        export.save(model, tmp_path / "file" / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine", "out"]


def test_is_loaded_by_its_path(artefact, loaded, photo_crops):
    np.testing.assert_array_equal(cpc_keras.load(artefact)(photo_crops), loaded(photo_crops))


def test_what_cannot_be_exported_is_refused_in_one_line(tmp_path):
    for model, message in (
        (
            build_small_cpc(),
            "`model` must be built, by `fit` or a call on images. Received: one that has seen no images",
        ),
        (ResNet((8,), (1,)), "`model` must be a `CPC` model. Received: a Functional"),
    ):
        with pytest.raises(ValueError, match=message):
            export.save(model, tmp_path / "out")
        with pytest.raises(ValueError, match=message):
            export.convert(model, tmp_path / "out.tflite", "litert")
    assert not list(tmp_path.iterdir())


def test_a_network_of_its_own_classifies_in_float32(model, photo_crops, tmp_path):
    """Beside the encoder as it was pre-trained."""
    images = keras.Input((28, 28, 1))
    layers = [keras.layers.Conv2D(4, 3, dtype="mixed_bfloat16"), keras.layers.GlobalAveragePooling2D()]
    x = keras.Sequential(layers)(images)
    network = keras.Model(images, keras.layers.Dense(3, "softmax", dtype="float32")(x))
    head = export.NetworkHead(network, ("sky", "stone", "petal"))
    description = {"head": {"method": "vat", "network": True}}
    path = export.save(model, tmp_path / "out", head=head, description=description)
    loaded = tf.saved_model.load(path)
    said = loaded.signatures["classify"](tf.constant(photo_crops))["probabilities"]
    np.testing.assert_allclose(said, network(photo_crops), atol=0.01)
    np.testing.assert_allclose(loaded(photo_crops), np.asarray(model.encode(photo_crops)).mean(axis=(1, 2)), atol=1e-5)
    assert all(variable.dtype == tf.float32 for variable in loaded.classifier_variables)
    assert "It is a network of its own (`vat`)" in (path / "README.md").read_text()

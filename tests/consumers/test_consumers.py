"""One artefact, and every program that may want it: each in a process of its own, without the package."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from keras import ops

from cpc_keras import export
from cpc_keras.evaluation.features import pool
from cpc_keras.models import CPC, ResNet
from tests.consumers.launch import consume, expected_outputs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model():
    """An encoder with batch norm, whose statistics must move only where it is trained."""
    encoder = ResNet((8, 16), (1, 1), stem="medium", normalization="batch", input_shape=(None, None, 1))
    model = CPC(encoder, patch_size=12, stride=4, offsets=(2,), target_dim=8, context_blocks=1, context_width=8)
    model.build((None, 28, 28, 1))
    rng = np.random.default_rng(0)
    model.set_weights([weight + 0.05 * rng.uniform(size=weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def head():
    rng = np.random.default_rng(1)
    width = 2 * 9 * 16 + 6 * 16
    kernel, bias = rng.normal(scale=0.02, size=(width, 3)).astype("float32"), rng.normal(size=3).astype("float32")

    def pooled(grid, whole):
        return ops.concatenate([pool(name, grid, whole) for name in ("grid3_map3", "local")], axis=-1)

    return export.LinearHead(pooled, kernel, bias, ("a", "b", "c"))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, photographs):
    """Three sizes, two batch sizes, and forty labelled crops of two photographs."""
    grey = [picture.mean(axis=2, keepdims=True).astype("float32") / 255.0 for picture in photographs]
    sizes = {"images_a": (28, 28, 1), "images_b": (34, 49, 5), "images_c": (61, 40, 5)}
    arrays = {
        name: np.stack([grey[0][10 * i : 10 * i + height, 20 * i : 20 * i + width] for i in range(count)])
        for name, (height, width, count) in sizes.items()
    }
    crops = np.stack([grey[i % 2][7 * i : 7 * i + 28, 11 * i : 11 * i + 28] for i in range(40)])
    arrays |= {"train_images": crops[:20], "train_labels": np.arange(20) % 2}
    arrays |= {"test_images": crops[20:], "test_labels": np.arange(20) % 2}
    path = tmp_path_factory.mktemp("inputs") / "inputs.npz"
    np.savez(path, **arrays, epochs=50, passes=2, rate=1e-3)
    return path


@pytest.fixture(scope="module")
def artefact(model, head, tmp_path_factory):
    return export.save(model, tmp_path_factory.mktemp("artefacts") / "encoder", head=head)


def check_outputs(found, model, head, inputs):
    """Every array that a consumer got is that of the Keras model."""
    with np.load(inputs) as given:
        images = {name: given[name] for name in given.files if name.startswith("images")}
    expected = expected_outputs(found, export.ImageFeatures(model, head), images)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=1e-5)
    assert len(expected) >= 3
    return {name.partition("_")[0] for name in expected}


def check_training(found, model):
    """Frozen nothing moves; trained all does, running means and variances too."""
    assert not found["moved_frozen"].any()
    assert len(found["moved_trained"]) == len(model.encoder.weights)
    assert found["moved_trained"].all()
    assert found["trainable"] == len(model.encoder.trainable_weights)


def test_tensorflow_hub_loads_it(artefact, model, head, inputs, tmp_path):
    found = consume("hub_load", artefact, inputs, tmp_path / "out.npz")
    assert check_outputs(found, model, head, inputs) == {"vector", "map", "grid", "middle", "file"}


def test_hub_layer_trains_it(artefact, model, head, inputs, tmp_path):
    found = consume("hub_layer", artefact, inputs, tmp_path / "out.npz")
    check_outputs(found, model, head, inputs)
    check_training(found, model)


def test_keras_3_layer_trains_it(artefact, model, head, inputs, tmp_path):
    found = consume("tfsm_layer", artefact, inputs, tmp_path / "out.npz")
    check_outputs(found, model, head, inputs)
    check_training(found, model)


def test_keras_hub_classifies_on_its_maps(artefact, model, head, inputs, tmp_path):
    found = consume("keras_hub_classifier", artefact, inputs, tmp_path / "out.npz")
    check_outputs(found, model, head, inputs)
    assert found["moved_trained"].all()


def test_onnx_runtime_gives_the_same(model, head, inputs, tmp_path):
    file = export.convert(model, tmp_path / "encoder.onnx", "onnx", head=head)
    found = consume("onnx_runtime", file, inputs, tmp_path / "out.npz")
    assert check_outputs(found, model, head, inputs) == {"vector", "probabilities"}


@pytest.mark.addons
def test_keras_2_and_tensorflow_addons_train_it(artefact, model, head, inputs, tmp_path):
    """In an environment of its own: `make test-addons`."""
    found = consume("hub_layer", artefact, inputs, tmp_path / "out.npz", os.environ["ADDONS_PYTHON"])
    assert "Addons" in str(found["stack"])
    check_outputs(found, model, head, inputs)
    check_training(found, model)


def test_tensorflows_command_line_serves_it(artefact, model, head, inputs, tmp_path):
    """What a server would ask of it: signatures that are named, and a row of each output for each image."""
    tool = pathlib.Path(sys.executable).with_name("saved_model_cli")
    said = run_tool(tool, "show", "--dir", artefact, "--all")
    for name in ("serving_default", "patch_grid", "feature_map", "classify", "classify_encoded"):
        assert f"signature_def['{name}']" in said
    asked = ("--tag_set", "serve", "--signature_def", "classify", "--inputs", f"images={inputs}[images_b]")
    run_tool(tool, "run", "--dir", artefact, *asked, "--outdir", tmp_path)
    with np.load(inputs) as given:
        probabilities = export.ImageFeatures(model, head).probabilities(given["images_b"][:, 3:31, 10:38])
    np.testing.assert_allclose(np.load(tmp_path / "probabilities.npy"), probabilities, atol=1e-5)
    assert np.load(tmp_path / "class_names.npy", allow_pickle=True).tolist() == 5 * [[b"a", b"b", b"c"]]


def run_tool(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout

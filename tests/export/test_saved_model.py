import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from cpc_keras import export
from cpc_keras.errors import InputError
from cpc_keras.evaluation.features import pool_view

# Stands in for a program on a machine that does not have the package.
WITHOUT_PACKAGE = "import sys; sys.modules['cpc_keras'] = None\n"


@pytest.fixture
def model(small_cpc, photo_crops):
    model = small_cpc()
    model(photo_crops)
    return model


def test_round_trip_at_other_sizes_and_batches(model, photo_crops, tmp_path):
    path = export.save(model, tmp_path / "out", pooling=lambda grid, whole: pool_view("grid2", grid, whole))
    loaded = tf.saved_model.load(path)
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
    np.testing.assert_allclose(signatures["selected"](images)["features"], pool_view("grid2", grid, whole), atol=1e-5)


def test_other_sizes_are_cropped_to_what_patches_cover(model, photographs, tmp_path):
    loaded = tf.saved_model.load(export.save(model, tmp_path / "out"))
    image = photographs[0][None, :34, :49, :1].astype("float32") / 255.0
    grid = loaded.signatures["patch_grid"](tf.constant(image))["patch_grid"]
    assert grid.shape == (1, 6, 10, 16)
    np.testing.assert_allclose(grid, model.encode(image[:, 1:33, 0:48]), atol=1e-5)


def test_three_channels_are_converted_for_a_grey_encoder(model, photo_crops, tmp_path):
    loaded = tf.saved_model.load(export.save(model, tmp_path / "out"))
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


@pytest.mark.slow
def test_tensorflow_hub_loads_it_without_the_package(model, photo_crops, tmp_path):
    path = export.save(model, tmp_path / "out")
    np.save(tmp_path / "images.npy", photo_crops)
    script = WITHOUT_PACKAGE + (
        "import numpy as np, tensorflow_hub as hub\n"
        f"encoder = hub.load({str(path)!r})\n"
        f"np.save({str(tmp_path / 'features.npy')!r}, encoder(np.load({str(tmp_path / 'images.npy')!r})))\n"
        "try:\n    import cpc_keras\nexcept ImportError:\n    print('package is not importable')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "package is not importable" in done.stdout
    expected = np.asarray(model.encode(photo_crops)).mean(axis=(1, 2))
    np.testing.assert_allclose(np.load(tmp_path / "features.npy"), expected, atol=1e-5)


@pytest.mark.slow
def test_hub_keras_layer_fine_tunes_it_without_the_package(model, photo_crops, tmp_path):
    path = export.save(model, tmp_path / "out")
    np.save(tmp_path / "images.npy", photo_crops)
    script = WITHOUT_PACKAGE + (
        "import numpy as np, tf_keras as keras, tensorflow_hub as hub\n"
        f"images = np.load({str(tmp_path / 'images.npy')!r})\n"
        "layer = hub.KerasLayer(" + repr(str(path)) + ", trainable=True)\n"
        "model = keras.Sequential([layer, keras.layers.Dense(2)])\n"
        "model(images)\n"
        "before = [v.numpy() for v in layer.trainable_variables]\n"
        "model.compile('adam', keras.losses.SparseCategoricalCrossentropy(from_logits=True))\n"
        "model.fit(images, np.arange(12) % 2, epochs=2, verbose=0)\n"
        "moved = [np.abs(a - v.numpy()).max() > 0 for a, v in zip(before, layer.trainable_variables)]\n"
        "print(len(moved), all(moved))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(len(model.encoder.trainable_weights)), "True"]


def test_replaces_an_export_but_nothing_else(model, tmp_path):
    export.save(model, tmp_path / "out", card=lambda folder: "first")
    export.save(model, tmp_path / "out", card=lambda folder: "second")
    assert (tmp_path / "out" / "README.md").read_text() == "second"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    with pytest.raises(InputError, match="`DEST` must be a new folder or an older export"):
        export.save(model, tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep"
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="`DEST` must be a folder that can be written to"):
        export.save(model, tmp_path / "file" / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine", "out"]

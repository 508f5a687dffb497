import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras import CPC
from cpc_keras.layers import PatchAugmentation
from cpc_keras.losses import info_nce
from cpc_keras.models import ResNet
from cpc_keras.models.directions import rotate_grid
from tests.conftest import build_small_cpc
from tests.processes import run

STEP = {"down": (1, 0), "up": (-1, 0), "right": (0, 1), "left": (0, -1)}


@pytest.mark.parametrize("direction", STEP)
@pytest.mark.parametrize("offset", [1, 2])
def test_positives_lie_offset_patches_ahead(small_cpc, direction, offset):
    """Each query's location, carried through the same rotation, is `offset` behind its target."""
    model = small_cpc(directions=tuple(STEP))
    batch, rows, cols = 2, 4, 5
    place = np.arange(batch * rows * cols).reshape(batch, rows, cols)
    turns = {"down": 0, "right": 3, "up": 2, "left": 1}[direction]
    queries = np.asarray(rotate_grid(place, turns))[:, :-offset].reshape(-1)
    positives = np.asarray(model.positives(direction, offset, (batch, rows, cols)))
    assert len(queries) == len(positives)
    down, right = STEP[direction]
    for query, positive in zip(queries, positives, strict=True):
        b, i, j = np.unravel_index(query, place.shape)
        assert positive == place[b, i + offset * down, j + offset * right]


def test_loss_is_the_mean_over_tasks_and_sum_is_the_published_form(small_cpc, photo_crops):
    model = small_cpc(augmentation=None)
    outputs = model(photo_crops)
    targets = np.asarray(outputs["targets"]).reshape(-1, 8)
    losses = [
        float(
            info_nce(
                np.asarray(outputs[f"{direction}_{k}"]).reshape(-1, 8),
                targets,
                model.positives(direction, k, (12, 5, 5)),
            )
        )
        for direction in ("down", "left")
        for k in (2, 3)
    ]
    assert float(model.compute_loss(y_pred=outputs)) == pytest.approx(np.mean(losses), rel=1e-5)
    reported = model.get_metrics_result()
    for task, loss in zip(model.task_names, losses, strict=True):
        assert float(reported[f"loss_{task}"]) == pytest.approx(loss, rel=1e-5)
    model.reduction = "sum"
    assert float(model.compute_loss(y_pred=outputs)) == pytest.approx(np.sum(losses), rel=1e-5)


def test_predictions_use_the_context_and_each_offset_its_own_map(small_cpc, photo_crops):
    model = small_cpc(augmentation=None)
    model.compile(optimizer="adam")
    outputs = model(photo_crops)
    assert outputs["down_2"].shape == (12, 3, 5, 8)
    assert outputs["left_3"].shape == (12, 2, 5, 8)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(y_pred=model(photo_crops, training=True))
    gradients = tape.gradient(loss, model.trainable_weights)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
    assert len({id(layer) for layer in model.predictors.values()}) == 4


@pytest.mark.slow
def test_learns_on_photographs(small_cpc, photo_crops):
    model = small_cpc()
    model.compile(optimizer=keras.optimizers.Adam(3e-3), jit_compile=False)
    history = model.fit(photo_crops, batch_size=12, epochs=250, verbose=0).history
    assert history["chance"][0] == pytest.approx(np.log(12 * 25), rel=1e-5)
    assert history["loss"][-1] < 0.8 * history["chance"][-1]
    assert history["accuracy"][-1] > 10 / (12 * 25)
    assert set(history) == {
        *("loss", "chance", "accuracy", "embedding_std"),
        *(f"{name}_{task}" for name in ("loss", "accuracy") for task in ("down_2", "down_3", "left_2", "left_3")),
    }


@pytest.fixture(scope="module")
def compiled():
    """A model whose steps are traced once for several tests."""
    keras.utils.set_random_seed(0)
    model = build_small_cpc()
    model.compile(optimizer="adam", jit_compile=False)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["array", "array and labels", "dataset", "dataset and labels"])
def test_fits_arrays_and_datasets_and_ignores_labels(compiled, photo_crops, kind):
    model, labels = compiled, np.arange(12)
    before = int(model.optimizer.iterations)
    if kind == "array":
        history = model.fit(photo_crops, batch_size=6, shuffle=False, verbose=0)
    elif kind == "array and labels":
        history = model.fit(photo_crops, labels, batch_size=6, shuffle=False, verbose=0)
    else:
        content = (photo_crops, labels) if "labels" in kind else photo_crops
        history = model.fit(tf.data.Dataset.from_tensor_slices(content).batch(6), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert int(model.optimizer.iterations) == before + 2
    assert "loss" in model.evaluate(photo_crops, verbose=0, return_dict=True)


def test_evaluation_does_not_augment(compiled, photo_crops):
    first = compiled.evaluate(photo_crops, verbose=0, return_dict=True)
    assert first == compiled.evaluate(photo_crops, verbose=0, return_dict=True)


def test_encode_gives_each_patch_its_own_code(small_cpc, photo_crops):
    model = small_cpc()
    grid = np.asarray(model.encode(photo_crops))
    assert grid.shape == (12, 5, 5, 16)
    alone = np.asarray(model.encoder(photo_crops[:, 4:16, 8:20])).mean(axis=(1, 2))
    np.testing.assert_allclose(grid[:, 1, 2], alone, atol=1e-5)


@pytest.mark.slow
def test_keras_file_round_trip_keeps_everything(small_cpc, photo_crops, tmp_path):
    arguments = {
        "offsets": (1, 3),
        "directions": ("up", "right"),
        "target_dim": 6,
        "scale": 0.3,
        "context_blocks": 1,
        "context_width": 4,
        "reduction": "sum",
    }
    model = small_cpc(**arguments)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), jit_compile=False)
    model.fit(photo_crops, batch_size=6, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for name, value in {**arguments, "patch_size": 12, "stride": 4}.items():
        assert getattr(loaded, name) == value, name
    assert isinstance(loaded.augmentation, PatchAugmentation)
    assert loaded.augmentation.contrast == 0.4
    more = np.concatenate([photo_crops, photo_crops[:5]])
    np.testing.assert_array_equal(loaded.encode(more), model.encode(more))
    # Training goes on alike: optimizer moments and random state came along.
    for one in (model, loaded):
        one.fit(photo_crops, batch_size=6, epochs=1, shuffle=False, verbose=0)
    for ours, theirs in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6, err_msg=ours.path)


def test_takes_any_keras_model_as_encoder(photo_crops):
    encoder = keras.Sequential(
        [keras.layers.Conv2D(8, 3, strides=2, activation="relu"), keras.layers.GlobalAveragePooling2D()]
    )
    model = CPC(encoder, patch_size=12, stride=4, offsets=(2,), context_blocks=1, context_width=4)
    model.compile(optimizer="adam", jit_compile=False)
    model.fit(photo_crops, batch_size=6, verbose=0)
    assert model.encode(photo_crops).shape == (12, 5, 5, 8)


@pytest.mark.slow
@pytest.mark.parametrize("content", ["smooth", "constant"])
def test_bfloat16_trains_on_smooth_and_constant_patches(small_cpc, content):
    """Nearly constant patches have variances that bfloat16 statistics turn into NaN."""
    ramp = np.linspace(0.0, 0.02, 28, dtype="float32")
    levels = np.linspace(0.1, 0.9, 8, dtype="float32").reshape(8, 1, 1, 1)
    images = levels + (ramp[None, :, None, None] + ramp[None, None, :, None] if content == "smooth" else 0.0)
    images = np.broadcast_to(images, (8, 28, 28, 1)).astype("float32")
    model = small_cpc(dtype="mixed_bfloat16")
    model.compile(optimizer=keras.optimizers.Adam(1e-3), jit_compile=False)
    history = model.fit(images, batch_size=4, epochs=10, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert np.isfinite(np.asarray(model.encode(images))).all()


@pytest.mark.slow
def test_refuses_a_batch_that_leaves_a_replica_without_images():
    script = (
        "import tensorflow as tf\n"
        "cpu = tf.config.list_physical_devices('CPU')[0]\n"
        "tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)\n"
        "import numpy as np, keras\n"
        "from cpc_keras.models import CPC, ResNet\n"
        "with tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1']).scope():\n"
        "    model = CPC(ResNet((8,), (1,), input_shape=(None, None, 1)), 12, 4, offsets=(2,))\n"
        "    model.compile(optimizer='adam', jit_compile=False)\n"
        "model.fit(np.zeros((5, 28, 28, 1), 'float32'), batch_size=4, verbose=0)\n"
    )
    done = run("-c", script)
    assert done.returncode != 0
    assert "Each batch must hold an image for every replica" in done.stderr


def test_adds_what_layers_add_by_add_loss(small_cpc, photo_crops):
    model = small_cpc(augmentation=None)
    model.compile(optimizer="adam")
    outputs = model(photo_crops)
    before = float(model.compute_loss(y_pred=outputs))
    model.target_projection.kernel_regularizer = keras.regularizers.L2(0.1)
    model.target_projection.kernel.regularizer = model.target_projection.kernel_regularizer
    penalty = 0.1 * np.square(model.target_projection.kernel.numpy()).sum()
    assert float(model.compute_loss(y_pred=outputs)) == pytest.approx(before + penalty, rel=1e-5)


def test_refuses_unknown_directions_and_reductions():
    encoder = ResNet((8,), (1,))
    with pytest.raises(ValueError, match="`directions` must be distinct names out of .*'north'"):
        CPC(encoder, 12, 4, directions=("north",))
    with pytest.raises(ValueError, match="`reduction` must be one of"):
        CPC(encoder, 12, 4, reduction="median")


def test_refuses_offsets_beyond_the_grid(small_cpc):
    model = small_cpc(offsets=(5,), directions=("down",))
    with pytest.raises(ValueError, match=r"`offsets` must lie in \[1, 4\]"):
        model.build((None, 28, 28, 1))


@pytest.mark.slow
def test_compiled_by_xla_with_several_steps_an_execution_it_takes_the_same_steps(small_cpc, photo_crops):
    """What a TPU asks of the step: static shapes, no Python between steps."""
    data = tf.data.Dataset.from_tensor_slices((photo_crops, np.arange(12))).batch(3, drop_remainder=True).repeat(2)
    models = []
    for compiled in (False, True):
        keras.utils.set_random_seed(0)
        model = small_cpc()
        steps = 4 if compiled else 1
        model.compile(optimizer=keras.optimizers.SGD(0.1), jit_compile=compiled, steps_per_execution=steps)
        model.log_batches()
        history = model.fit(data, verbose=0).history
        models.append((model, history))
    (plain, logs), (compiled, compiled_logs) = models
    assert int(compiled.optimizer.iterations) == 8
    assert logs["batch_digest"] == compiled_logs["batch_digest"]
    assert compiled_logs["loss"] == pytest.approx(logs["loss"], rel=1e-5)
    for ours, theirs in zip(plain.trainable_weights, compiled.trainable_weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6, err_msg=ours.path)

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from cpc_keras.models import CPC, ContextNetwork, ResNet
from cpc_keras.models.context_network import side_by_side
from cpc_keras.models.directions import QUARTER_TURNS, rotate_grid


@pytest.fixture
def network():
    layer = ContextNetwork(blocks=3, width=8)
    layer.build((None, 6, 6, 10))
    return layer


def latents(rows=6, cols=6):
    return np.random.default_rng(0).normal(size=(2, rows, cols, 10)).astype("float32")


@pytest.mark.parametrize("row", range(6))
def test_is_causal(network, row):
    """Changing grid row r leaves every context row above r bit for bit as it was."""
    before = np.asarray(network(latents()))
    changed = latents()
    changed[:, row] += 1.0
    after = np.asarray(network(changed))
    np.testing.assert_array_equal(after[:, :row], before[:, :row])
    assert np.any(after[:, row] != before[:, row])


def test_sees_as_many_rows_back_as_it_has_blocks(network):
    before = np.asarray(network(latents()))
    changed = latents()
    changed[:, 0] += 1.0
    after = np.asarray(network(changed))
    assert np.any(after[:, 3] != before[:, 3])
    np.testing.assert_array_equal(after[:, 4:], before[:, 4:])


def test_sees_columns_to_both_sides(network):
    before = np.asarray(network(latents()))
    changed = latents()
    changed[:, 2, 3] += 1.0
    after = np.asarray(network(changed))
    assert np.any(after[:, 2, 2] != before[:, 2, 2])
    assert np.any(after[:, 2, 4] != before[:, 2, 4])


def test_keeps_the_shape_and_ends_in_a_relu(network):
    context = np.asarray(network(latents(4, 7)))
    assert context.shape == (2, 4, 7, 10)
    assert context.min() >= 0.0


def convolved(network, grid):
    """The network convolution by convolution."""
    context = grid
    for reduce, row, down, expand in network.block_layers:
        hidden = ops.pad(row(ops.relu(reduce(context))), ((0, 0), (1, 0), (0, 0), (0, 0)))
        context = context + expand(ops.relu(down(hidden)))
    return ops.relu(context)


def test_side_by_side_each_does_what_its_convolutions_do():
    networks = [ContextNetwork(blocks=3, width=8) for _ in range(3)]
    grids = [latents(4, 7) + number for number in range(3)]
    rng = np.random.default_rng(1)
    for network in networks:
        network.build((None, 4, 7, 10))
        network.set_weights([rng.normal(0, 0.3, each.shape) for each in network.get_weights()])
    together = side_by_side(networks, grids)
    for found, network, grid in zip(together, networks, grids, strict=True):
        np.testing.assert_allclose(found, convolved(network, grid), rtol=1e-5, atol=1e-5)


def test_directions_of_unequal_grids_do_what_each_does_alone():
    """On an image wider than high, half of the turned grids are high and half wide."""

    def model(*directions):
        encoder = ResNet((8,), (1,), stem="small", input_shape=(None, None, 1))
        built = CPC(encoder, 12, 4, directions=directions, offsets=(1, 2), context_blocks=2, context_width=8)
        built.build((None, 28, 40, 1))
        return built

    whole = model(*QUARTER_TURNS)
    images = np.random.default_rng(0).uniform(size=(2, 28, 40, 1)).astype("float32")
    outputs = whole(images)
    for direction in QUARTER_TURNS:
        alone = model(direction)
        alone.encoder.set_weights(whole.encoder.get_weights())
        alone.context_networks[direction].set_weights(whole.context_networks[direction].get_weights())
        for k in (1, 2):
            alone.predictors[f"{direction}_{k}"].set_weights(whole.predictors[f"{direction}_{k}"].get_weights())
        for key, predictions in alone(images).items():
            if key.startswith(direction):
                np.testing.assert_allclose(predictions, outputs[key], atol=1e-5)


def test_predictions_are_made_in_float32_from_contexts_in_bfloat16():
    encoder = ResNet((8,), (1,), stem="small", input_shape=(None, None, 1), dtype="mixed_bfloat16")
    model = CPC(encoder, 12, 4, offsets=(2,), context_blocks=2, context_width=8, dtype="mixed_bfloat16")
    images = np.random.default_rng(0).uniform(size=(2, 28, 28, 1)).astype("float32")
    outputs = model(images)
    context = model.context_networks["down"](outputs["latents"])
    assert context.dtype == "bfloat16"
    kernel, bias = model.predictors["down_2"].get_weights()
    expected = model.scale * (ops.convert_to_numpy(ops.cast(context, "float32"))[:, :-2] @ kernel + bias)
    np.testing.assert_allclose(outputs["down_2"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("side", [28, 40])
def test_sides_may_be_known_at_run_time_only(side):
    encoder = ResNet((8,), (1,), stem="small", input_shape=(None, None, 1))
    directions = tuple(QUARTER_TURNS)
    model = CPC(encoder, 12, 4, directions=directions, offsets=(1, 2), context_blocks=2, context_width=8)
    images = np.random.default_rng(0).uniform(size=(2, 28, side, 1)).astype("float32")
    expected = model(images)
    found = tf.function(model, input_signature=[tf.TensorSpec((None, None, None, 1))])(images)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5)


# What a change in the middle of the grid may not reach, by direction.
BEHIND = {
    "down": np.s_[:, :2, :],
    "up": np.s_[:, 3:, :],
    "right": np.s_[:, :, :2],
    "left": np.s_[:, :, 3:],
}


@pytest.mark.parametrize("direction", BEHIND)
def test_is_causal_in_every_direction(direction):
    encoder = ResNet((8,), (1,), stem="small", input_shape=(None, None, 1))
    model = CPC(encoder, 12, 4, directions=(direction,), offsets=(1,), context_blocks=2, context_width=8)
    model.build((None, 28, 28, 1))

    def context(grid):
        turns = QUARTER_TURNS[direction]
        turned = model.context_networks[direction](rotate_grid(grid, turns))
        return np.asarray(rotate_grid(turned, -turns))

    grid = np.random.default_rng(0).normal(size=(1, 5, 5, 8)).astype("float32")
    changed = grid.copy()
    changed[:, 2, 2] += 1.0
    before, after = context(grid), context(changed)
    np.testing.assert_array_equal(after[BEHIND[direction]], before[BEHIND[direction]])
    assert np.any(after[:, 2, 2] != before[:, 2, 2])


@pytest.mark.parametrize("name", ["blocks", "width"])
def test_refuses_sizes_that_are_no_positive_whole_numbers(name):
    with pytest.raises(ValueError, match=f"`{name}` must be a positive whole number. Received: {name}=0"):
        ContextNetwork(**{name: 0})

import keras
import numpy as np
import pytest
import tensorflow as tf

from cpc_keras.config.recipe import Recipe
from cpc_keras.describing.cost import (
    Cost,
    context_cost,
    dense_cost,
    encoder_cost,
    logits_cost,
    parts,
    queries,
    state_memory,
    without_weights,
)
from cpc_keras.models import CPC, ContextNetwork, ResNet, ResNet18, ResNet50, ResNet161

RECIPE = Recipe(
    steps=1,
    crop=28,
    patch_size=12,
    stride=4,
    channels=1,
    stem="medium",
    widths=(8, 16),
    blocks=(1, 2),
    offsets=(2, 3),
    directions=("down", "left"),
    target_dim=8,
    context_blocks=2,
    context_width=8,
    batch_size=3,
    precision="float32",
)


def counted(function, *shapes):
    """Operations of convolutions and matrix products by TensorFlow's own profiler."""
    graph = tf.function(function).get_concrete_function(*(tf.TensorSpec(shape, tf.float32) for shape in shapes)).graph
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    found = tf.compat.v1.profiler.profile(graph, cmd="op", options=options)
    by_kind = {}
    while found.children:  # a chain, each with the kinds from itself on
        kind, rest = found.children[0], found.children[0].children
        by_kind[kind.name] = kind.total_float_ops - (rest[0].total_float_ops if rest else 0)
        found = kind
    return sum(by_kind.get(kind, 0) for kind in ("Conv2D", "MatMul", "BatchMatMulV2"))


def encoder_for(recipe):
    side = recipe.patch_size
    return ResNet(recipe.widths, recipe.blocks, stem=recipe.stem, input_shape=(side, side, recipe.channels))


def cpc_for(recipe):
    model = CPC(
        encoder_for(recipe),
        recipe.patch_size,
        recipe.stride,
        offsets=recipe.offsets,
        directions=recipe.directions,
        target_dim=recipe.target_dim,
        context_blocks=recipe.context_blocks,
        context_width=recipe.context_width,
    )
    model.build((None, recipe.crop, recipe.crop, recipe.channels))
    return model


@pytest.mark.parametrize(
    "build",
    [
        lambda: ResNet18(input_shape=(64, 64, 3)),
        lambda: ResNet50(stacks=4, input_shape=(65, 80, 3), include_top=True, classes=10),
        lambda: ResNet((8, 16), (1, 2), stem="medium", normalization="batch", input_shape=(12, 12, 1)),
    ],
)
def test_operations_of_an_encoder_are_those_the_profiler_counts(build):
    encoder = build()
    assert encoder_cost(encoder).flops == counted(encoder, (1, *encoder.input_shape[1:]))


def test_operations_of_a_context_network_are_those_the_profiler_counts():
    network = ContextNetwork(blocks=3, width=6)
    found = context_cost(4, 5, latent_dim=10, blocks=3, width=6)
    assert found.flops == counted(network, (1, 4, 5, 10))
    assert found.parameters == network.count_params()


def test_parts_add_up_to_the_model():
    model = cpc_for(RECIPE)
    found = parts(RECIPE, encoder_for(RECIPE), 5, 5)
    assert list(found) == ["encoder", "context_down", "context_left", "predictors", "targets"]
    assert sum(cost.parameters for cost in found.values()) == model.count_params()
    assert found["predictors"].parameters == sum(layer.count_params() for layer in model.predictors.values())
    assert found["targets"].parameters == model.target_projection.count_params()

    batch = RECIPE.batch_size
    logits = [
        logits_cost(batch * count, batch * 25, RECIPE.target_dim)
        for count in queries(5, 5, RECIPE.directions, RECIPE.offsets).values()
    ]
    expected = batch * sum(cost.flops for cost in found.values()) + sum(cost.flops for cost in logits)
    forward = counted(lambda images: model.compute_loss(y_pred=model(images)), (batch, 28, 28, 1))
    assert forward == expected


def test_values_kept_for_the_backward_pass():
    # The image, and after a stem of stride 2 three ReLUs and three norms of 4 × 4 × 2; adding and convolving keep none.
    encoder = ResNet((2,), (1,), stem="medium", input_shape=(8, 8, 1))
    found = encoder_cost(encoder)
    assert (found.parameters, found.flops) == (18 + 2 * 36 + 3 * 4, 2 * 16 * (18 + 2 * 36))
    assert (found.values, found.norm_values) == (64 + 3 * 32, 3 * 32)
    assert found.kept_bytes(2) == 2 * 160 + 4 * 96
    # Pooling by the mean keeps nothing, by the maximum its input (a ReLU's output, there already) and output.
    for pooling, more in (("avg", 0), ("max", 2)):
        pooled = ResNet((2,), (1,), stem="medium", input_shape=(8, 8, 1), pooling=pooling)
        assert encoder_cost(pooled).values == found.values + more
    # A stem with pooling: 4 × 4 × 2 before it, 2 × 2 × 2 after it.
    large = ResNet((2,), (1,), stem="large", normalization="none", input_shape=(8, 8, 1))
    assert encoder_cost(large).values == 64 + 32 + 8 + 3 * 8


def test_open_sizes_are_refused():
    with pytest.raises(ValueError, match=r"`encoder` must be built for a fixed size. Received: .*None"):
        encoder_cost(ResNet((2,), (1,)))


def test_published_memory_of_logits():
    """Six rows and columns, three ahead, one direction: 648 MiB for 512 images, 0.6 MiB for 16."""
    task = queries(6, 6, ("down",), (3,))["down_3"]
    for batch, mebibytes in ((512, 648.0), (16, 0.6328125)):
        assert 4 * logits_cost(batch * task, batch * 36, 64).values / 2**20 == mebibytes


def test_queries_of_a_grid_that_is_not_square():
    assert queries(4, 6, ("down", "up", "right", "left"), (1, 3)) == {
        "down_1": 18,
        "down_3": 6,
        "up_1": 18,
        "up_3": 6,
        "right_1": 20,
        "right_3": 12,
        "left_1": 20,
        "left_3": 12,
    }


def test_dense():
    layer = keras.layers.Dense(5)
    layer.build((None, 3))
    assert dense_cost(7, 3, 5).parameters == layer.count_params()
    assert dense_cost(7, 3, 5, bias=False) == Cost(15, 210, 21)


def test_applying_a_part_again_costs_no_weights():
    assert Cost(1, 2, 3, 4).applied(5) + Cost(1, 1, 1, 1) == Cost(2, 11, 16, 21)


def test_state():
    full = state_memory(trainable=10, fixed=3, averaged=True, accumulated=True)
    assert full == {"weights": 52, "gradients": 40, "adam": 80, "average": 40, "accumulation": 40}


def test_without_weights_is_quick_and_leaves_nothing_behind():
    sketch = without_weights(lambda: ResNet161(input_shape=(80, 80, 3)))
    assert sketch.count_params() == 303_642_176
    assert sketch.output_shape == (None, 5, 5, 4096)
    # Models built afterwards have values as ever.
    encoder = ResNet((2,), (1,), input_shape=(None, None, 1))
    assert np.isfinite(encoder(np.ones((1, 32, 32, 1)))).all()


def test_without_weights_raises_what_the_builder_raises():
    with pytest.raises(ValueError, match="`stem` must be one of"):
        without_weights(lambda: ResNet(stem="huge"))

import keras
import numpy as np
import pytest

from cpc_keras.models import ResNet, ResNet101


@pytest.mark.parametrize(("stem", "stride"), [("small", 4), ("medium", 8), ("large", 16)])
def test_stride_of_three_stacks(stem, stride):
    encoder = ResNet((8, 8, 8), (1, 1, 1), stem=stem, input_shape=(None, None, 1))
    assert encoder(np.zeros((1, 64, 96, 1))).shape == (1, 64 // stride, 96 // stride, 8)


def test_bottlenecks_may_have_any_width():
    encoder = ResNet((8, 32), (1, 1), bottleneck_widths=(4, 6), input_shape=(None, None, 1))
    shapes = [tuple(encoder.get_layer(f"stack2_block1_{part}_conv").kernel.shape) for part in ("shortcut", 1, 2, 3)]
    assert shapes == [(1, 1, 8, 32), (1, 1, 8, 6), (3, 3, 6, 6), (1, 1, 6, 32)]
    assert encoder.get_layer("stem_conv").kernel.shape == (7, 7, 1, 4)


def test_same_weights_serve_patches_and_images():
    encoder = ResNet((8, 16), (1, 1), stem="medium", input_shape=(None, None, 1))
    assert encoder(np.zeros((5, 12, 12, 1))).shape == (5, 3, 3, 16)
    assert encoder(np.zeros((2, 28, 44, 1))).shape == (2, 7, 11, 16)


def test_top_and_pooling():
    small = {"widths": (8,), "blocks": (1,), "input_shape": (None, None, 1)}
    probabilities = np.asarray(ResNet(include_top=True, classes=7, **small)(np.zeros((2, 32, 32, 1))))
    assert probabilities.shape == (2, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
    logits = ResNet(include_top=True, classes=7, classifier_activation=None, **small)
    assert np.asarray(logits(np.ones((2, 32, 32, 1)))).min() < 0
    for pooling in ("avg", "max"):
        assert ResNet(pooling=pooling, **small).output_shape == (None, 8)


@pytest.mark.parametrize("normalization", ["layer", "batch", "none"])
def test_normalizations_are_used(normalization):
    encoder = ResNet((8,), (1,), normalization=normalization)
    kinds = {type(layer).__name__ for layer in encoder.layers}
    assert ("SpatialLayerNormalization" in kinds) == (normalization == "layer")
    assert ("BatchNormalization" in kinds) == (normalization == "batch")


def spread(encoder, photographs):
    patches = np.stack([photographs[0][top : top + 64, top : top + 64] / 255.0 for top in range(0, 200, 50)])
    return float(np.asarray(encoder(patches.astype("float32"))).std())


def test_a_deep_network_without_norms_starts_at_a_sane_scale(photographs):
    encoder = ResNet101(normalization="none")
    assert 0.1 < spread(encoder, photographs) < 10
    # Under He initialisation alone the branches add up to a thousandfold.
    for layer in encoder.layers:
        if layer.name.endswith("_3_conv"):
            layer.kernel.assign(keras.initializers.HeNormal()(layer.kernel.shape))
    assert spread(encoder, photographs) > 300


@pytest.mark.slow
def test_a_deep_network_without_norms_learns(photographs):
    encoder = ResNet((8, 8), (12, 12), normalization="none", stem="small", include_top=True, classes=2)
    patches = np.stack(
        [picture[top : top + 24, 40:64] / 255.0 for top in range(0, 400, 25) for picture in photographs]
    ).astype("float32")
    encoder.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    losses = encoder.fit(patches, np.arange(len(patches)) % 2, epochs=15, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.6 * losses[0]
    # All of it learns, not just what ends a branch.
    assert not np.allclose(encoder.get_layer("stack2_block12_2_conv").kernel, 0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stem": "huge"}, "`stem` must be one of"),
        ({"normalization": "group"}, "`normalization` must be one of"),
        ({"pooling": "mean"}, "`pooling` must be one of"),
        ({"widths": (8, 8), "blocks": (1,)}, "`widths` and `blocks` must name the same number"),
        ({"bottleneck_widths": (4, 4)}, "`bottleneck_widths` must be None or hold a width for each of the 3 stacks"),
        ({"bottleneck_widths": True}, "`bottleneck_widths` must be None .* Received: bottleneck_widths=True"),
    ],
)
def test_refuses_unknown_choices(arguments, message):
    with pytest.raises(ValueError, match=message):
        ResNet(**arguments)

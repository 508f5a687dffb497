import numpy as np
import pytest

from cpc_keras.models import ResNet, ResNet18, ResNet50


@pytest.mark.parametrize(("stem", "stride"), [("small", 4), ("medium", 8), ("large", 16)])
def test_stride_of_three_stacks(stem, stride):
    encoder = ResNet((8, 8, 8), (1, 1, 1), stem=stem, input_shape=(None, None, 1))
    assert encoder(np.zeros((1, 64, 96, 1))).shape == (1, 64 // stride, 96 // stride, 8)


def test_four_stacks_of_resnet50_have_the_published_size():
    # 23.5 million weights are counted for the four stacks without the classifier.
    assert ResNet50(stacks=4).count_params() == pytest.approx(23.5e6, rel=0.01)
    assert ResNet50().output_shape == (None, None, None, 1024)


def test_resnet18_stacks():
    assert ResNet18(stem="small", input_shape=(None, None, 1)).output_shape == (None, None, None, 256)
    assert ResNet18(stacks=4).output_shape == (None, None, None, 512)


def test_same_weights_serve_patches_and_images():
    encoder = ResNet((8, 16), (1, 1), stem="medium", input_shape=(None, None, 1))
    assert encoder(np.zeros((5, 12, 12, 1))).shape == (5, 3, 3, 16)
    assert encoder(np.zeros((2, 28, 44, 1))).shape == (2, 7, 11, 16)


def test_top_and_pooling():
    small = {"widths": (8,), "blocks": (1,), "input_shape": (None, None, 1)}
    probabilities = np.asarray(ResNet(include_top=True, classes=7, **small)(np.zeros((2, 32, 32, 1))))
    assert probabilities.shape == (2, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
    for pooling in ("avg", "max"):
        assert ResNet(pooling=pooling, **small).output_shape == (None, 8)


@pytest.mark.parametrize("normalization", ["layer", "batch", "none"])
def test_normalizations_are_used(normalization):
    encoder = ResNet((8,), (1,), normalization=normalization)
    kinds = {type(layer).__name__ for layer in encoder.layers}
    assert ("SpatialLayerNormalization" in kinds) == (normalization == "layer")
    assert ("BatchNormalization" in kinds) == (normalization == "batch")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stem": "huge"}, "`stem` must be one of"),
        ({"normalization": "group"}, "`normalization` must be one of"),
        ({"pooling": "mean"}, "`pooling` must be one of"),
        ({"widths": (8, 8), "blocks": (1,)}, "`widths` and `blocks` must name the same number"),
    ],
)
def test_refuses_unknown_choices(arguments, message):
    with pytest.raises(ValueError, match=message):
        ResNet(**arguments)


def test_refuses_two_stacks():
    with pytest.raises(ValueError, match="`stacks` must be 3 or 4. Received: stacks=2"):
        ResNet50(stacks=2)

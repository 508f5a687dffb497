"""The family beside `keras.applications`: the same kernels, one by one.

`keras_hub` is compared with in `test_keras_hub.py`. By design there are no biases here, which `keras.applications`
puts on the stem, on shortcuts and at the end of a branch; the first block of a stack strides and has the shortcut
convolution, where there it is the last block that strides, of all stacks but the fourth; shapes agree nonetheless.
"""

import functools
import inspect

import keras
import numpy as np
import pytest

from cpc_keras import models
from cpc_keras.describing.cost import without_weights
from cpc_keras.models import ResNet18, ResNet50, ResNet101, ResNet161, ResNet170

NUMBERS = (18, 34, 50, 101, 152, 161, 170)
IMAGES = {"input_shape": (224, 224, 3)}


@functools.cache
def build(number, **kwargs):
    """A network without the memory of its weights, for all tests that look at it."""
    return without_weights(lambda: getattr(models, f"ResNet{number}")(**kwargs))


def kernels(model):
    return {layer.name: tuple(layer.kernel.shape) for layer in model.layers if hasattr(layer, "kernel")}


@pytest.mark.parametrize(
    ("number", "stacks", "millions", "tolerance"),
    [
        (161, 3, 303.6, 1e-3),
        (170, 3, 303.6, 1e-3),
        (161, 4, 326.5, 1e-3),
        (170, 4, 326.5, 1e-3),
        (50, 4, 23.5, 1e-2),
    ],
)
def test_published_numbers_of_weights(number, stacks, millions, tolerance):
    assert build(number, **IMAGES, stacks=stacks).count_params() == pytest.approx(millions * 1e6, rel=tolerance)


@pytest.mark.parametrize("number", NUMBERS)
def test_names_count_the_layers(number):
    # The backbone of ResNet-161 has three stacks, all others are named after four.
    convolutions = kernels(build(number, **IMAGES, stacks=3 if number == 161 else 4))
    layers = [name for name in convolutions if "shortcut" not in name]
    assert len(layers) + 1 == number  # and the classifier


@pytest.mark.parametrize("number", NUMBERS)
def test_strides(number):
    for stacks, side in ((3, 14), (4, 7)):
        encoder = build(number, **IMAGES, stacks=stacks)
        width = {18: 256, 34: 256, 161: 4096, 170: 4096}.get(number, 1024) if stacks == 3 else None
        assert encoder.output_shape[1:3] == (side, side)
        assert width is None or encoder.output_shape[-1] == width


@pytest.mark.parametrize("number", [50, 101, 152])
def test_kernels_are_those_of_keras_applications(number):
    theirs = without_weights(lambda: getattr(keras.applications, f"ResNet{number}V2")(weights=None, include_top=False))
    parts = {"0": "shortcut", "1": "1", "2": "2", "3": "3"}
    expected = {"stem_conv": kernels(theirs)["conv1_conv"]}
    for name, shape in kernels(theirs).items():
        if "_block" in name:
            stack, block, part, _ = name.split("_")
            expected[f"stack{int(stack[-1]) - 1}_{block}_{parts[part]}_conv"] = shape
    assert kernels(build(number, **IMAGES, stacks=4)) == expected


@pytest.mark.parametrize("number", NUMBERS)
def test_called_like_keras_applications(number):
    ours = inspect.signature(getattr(models, f"ResNet{number}")).parameters
    theirs = inspect.signature(keras.applications.ResNet50V2).parameters
    assert set(theirs) - set(ours) == {"weights", "input_tensor"}
    assert {"stacks", "stem", "normalization", "dtype"} == set(ours) - set(theirs)
    assert ours["stacks"].default == 3
    assert getattr(models, f"ResNet{number}").__name__ == f"ResNet{number}"


def test_resnet170_is_resnet161_with_a_fourth_stack():
    three, four = (kernels(build(170, **IMAGES, stacks=stacks)) for stacks in (3, 4))
    assert three == kernels(build(161, **IMAGES, stacks=3))
    assert four == kernels(build(161, **IMAGES, stacks=4))
    assert {name for name in four if name not in three} == {name for name in four if name.startswith("stack4")}
    assert ResNet161.__doc__ != ResNet170.__doc__


def test_arguments_reach_the_network():
    encoder = build(
        18,
        input_shape=(32, 32, 1),
        include_top=True,
        classes=5,
        classifier_activation=None,
        stacks=4,
        stem="small",
        normalization="batch",
        name="mine",
        dtype="mixed_bfloat16",
    )
    assert encoder.output_shape == (None, 5)
    assert encoder.name == "mine"
    assert encoder.get_layer("predictions").activation is keras.activations.linear
    assert encoder.get_layer("stack4_block2_2_conv").dtype_policy.name == "mixed_bfloat16"
    assert type(encoder.get_layer("post_norm")).__name__ == "BatchNormalization"
    assert encoder.get_layer("stem_conv").strides == (1, 1)
    assert build(50, pooling="max").output_shape == (None, 1024)


def test_patches_and_images_of_any_size():
    encoder = ResNet18()
    assert encoder(np.zeros((2, 80, 80, 3))).shape == (2, 5, 5, 256)
    assert encoder(np.zeros((1, 224, 224, 3))).shape == (1, 14, 14, 256)


@pytest.mark.parametrize("stacks", [2, 5, None])
def test_refuses_other_numbers_of_stacks(stacks):
    with pytest.raises(ValueError, match=f"`stacks` must be 3 or 4. Received: stacks={stacks}"):
        ResNet50(stacks=stacks)


def test_v1_encoder():
    encoder = ResNet101(normalization="none", input_shape=(None, None, 1))
    assert encoder(np.zeros((1, 64, 64, 1))).shape == (1, 4, 4, 1024)
    kinds = {type(layer).__name__ for layer in encoder.layers}
    assert not kinds & {"SpatialLayerNormalization", "BatchNormalization"}


@pytest.mark.huge
@pytest.mark.parametrize("normalization", ["layer", "none"])
def test_resnet161_starts_at_a_sane_scale(normalization, photographs):
    encoder = ResNet161(normalization=normalization)
    patch = photographs[0][None, 100:180, 200:280].astype("float32") / 255.0
    output = np.asarray(encoder(patch))
    assert output.shape == (1, 5, 5, 4096)
    assert 0.05 < output.std() < 10

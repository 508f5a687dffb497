"""Every public layer, whatever it is, keeps its arguments and weights through a save."""

import inspect

import keras
import numpy as np
import pytest
from keras.src import testing

import cpc_keras.layers
from cpc_keras.layers import GridPooling, PatchAugmentation, PatchExtractor, SpatialLayerNormalization
from cpc_keras.models import ContextNetwork

# Every argument away from its default, and an input that the layer takes.
CASES = {
    ContextNetwork: ({"blocks": 2, "width": 6}, (2, 5, 4, 8)),
    GridPooling: ({"cells": 2}, (2, 5, 4, 8)),
    PatchAugmentation: (
        {
            "sub_crop": 5,
            "flip": 0.3,
            "primitives": 1,
            "primitive_ranges": {"rotate": [-10, 10], "invert": []},
            "elastic": 0.4,
            "elastic_strength": 0.1,
            "elastic_smoothness": 0.5,
            "shear": 0.2,
            "shear_strength": 0.1,
            "histogram": 0.3,
            "histogram_strength": 0.4,
            "color_distortion": 0.7,
            "brightness": 0.2,
            "saturation": 0.1,
            "hue": 0.3,
            "contrast": 0.1,
            "grayscale": 0.1,
            "color_dropping": 0.4,
            "fill": 0.1,
            "clip": False,
            "seed": 11,
        },
        (2, 3, 3, 6, 6, 3),
    ),
    PatchExtractor: ({"patch_size": 6, "stride": 2}, (2, 10, 12, 3)),
    SpatialLayerNormalization: ({"epsilon": 1e-2}, (2, 4, 4, 8)),
}


def test_no_public_layer_is_forgotten():
    public = {getattr(cpc_keras.layers, name) for name in cpc_keras.layers.__all__}
    assert public | {ContextNetwork} == set(CASES)


@pytest.mark.parametrize("layer_class", CASES, ids=lambda cls: cls.__name__)
def test_every_argument_is_covered_and_away_from_its_default(layer_class):
    arguments, _ = CASES[layer_class]
    parameters = inspect.signature(layer_class.__init__).parameters
    named = {name: p.default for name, p in parameters.items() if name not in ("self", "kwargs")}
    assert set(named) == set(arguments)
    assert all(arguments[name] != default for name, default in named.items())


@pytest.mark.parametrize("layer_class", CASES, ids=lambda cls: cls.__name__)
def test_configuration_round_trip(layer_class):
    arguments, _ = CASES[layer_class]
    layer = layer_class(**arguments, name="mine")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is layer_class
    assert again.name == "mine"
    for name, value in arguments.items():
        assert getattr(again, name) == value == getattr(layer, name), name


@pytest.mark.parametrize("layer_class", CASES, ids=lambda cls: cls.__name__)
def test_weights_survive_a_keras_file(layer_class, tmp_path):
    arguments, shape = CASES[layer_class]
    inputs = np.random.default_rng(0).uniform(size=shape).astype("float32")
    model = keras.Sequential([keras.Input(shape[1:]), layer_class(**arguments)])
    model.set_weights([weight + np.array(1.1, weight.dtype) for weight in model.get_weights()])
    model.save(tmp_path / "layer.keras")
    loaded = keras.models.load_model(tmp_path / "layer.keras")
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert tuple(loaded(inputs).shape[1:]) == model.layers[0].compute_output_shape((None, *shape[1:]))[1:]
    # What is drawn at random goes on where it was.
    np.testing.assert_array_equal(loaded(inputs, training=True), model(inputs, training=True))


@pytest.mark.slow
@pytest.mark.parametrize("layer_class", CASES, ids=lambda cls: cls.__name__)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_passes_keras_own_layer_test(layer_class):
    """Shapes and dtypes, symbolic and eager, training, saving, mixed precision, a model around it."""
    arguments, shape = CASES[layer_class]
    layer = layer_class(**arguments)
    layer.build(shape)
    testing.TestCase().run_layer_test(
        layer_class,
        init_kwargs=arguments,
        input_shape=shape,
        expected_output_shape=layer.compute_output_shape(shape),
        expected_num_trainable_weights=len(layer.trainable_weights),
        expected_num_non_trainable_weights=len(layer.non_trainable_weights),
        expected_num_seed_generators=0,
        expected_num_losses=0,
        supports_masking=False,
    )

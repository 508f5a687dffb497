"""`CPC` against an independent NumPy reading of the papers, on stored weights and inputs."""

import pathlib

import keras
import numpy as np
import pytest

from cpc_keras.models import CPC
from cpc_keras.models.directions import QUARTER_TURNS, rotate_grid


@pytest.fixture(scope="module")
def golden():
    with np.load(pathlib.Path(__file__).with_name("context_and_loss.npz")) as file:
        return dict(file)


def model_with(golden, directions, offsets, reduction):
    """A CPC model of the stored weights whose images are the codes: one pixel a patch, encoded as it is."""
    latents = golden["latents"]
    encoder = keras.Sequential([keras.Input((None, None, latents.shape[-1])), keras.layers.Activation("linear")])
    model = CPC(
        encoder,
        patch_size=1,
        stride=1,
        offsets=offsets,
        directions=directions,
        target_dim=golden["to_target"].shape[-1],
        context_width=golden["down_block0_w1"].shape[-1],
        reduction=reduction,
    )
    model.build(latents.shape)
    model.target_projection.set_weights([golden["to_target"]])
    for direction in directions:
        for index, convolutions in enumerate(model.context_networks[direction].block_layers):
            for number, convolution in enumerate(convolutions, start=1):
                kernel, bias = (golden[f"{direction}_block{index}_{letter}{number}"] for letter in "wb")
                convolution.set_weights([kernel.reshape(convolution.kernel.shape), bias])
        for offset in offsets:
            key = f"{direction}_{offset}"
            model.predictors[key].set_weights([golden[f"{key}_predictor"], golden[f"{key}_bias"]])
    return model


@pytest.mark.parametrize("direction", QUARTER_TURNS)
def test_context_network_is_the_published_one(golden, direction):
    model = model_with(golden, (direction,), (3,), "mean")
    turns = QUARTER_TURNS[direction]
    turned = model.context_networks[direction](rotate_grid(golden["latents"].astype("float32"), turns))
    np.testing.assert_allclose(rotate_grid(turned, -turns), golden[f"{direction}_context"], atol=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("offsets", [(3,), (2, 3, 4, 5)])
@pytest.mark.parametrize("directions", [*((name,) for name in QUARTER_TURNS), tuple(QUARTER_TURNS)])
def test_loss_is_the_published_one(golden, directions, offsets, reduction):
    """Context, predictions, targets and positives together, for each direction and offset."""
    model = model_with(golden, directions, offsets, reduction)
    loss = model.compute_loss(y_pred=model(golden["latents"].astype("float32")))
    expected = {f"{direction}_{k}": float(golden[f"{direction}_{k}_loss"]) for direction in directions for k in offsets}
    whole = np.mean(list(expected.values())) if reduction == "mean" else sum(expected.values())
    assert float(loss) == pytest.approx(whole, abs=1e-5 if reduction == "mean" else 1e-5 * len(expected))
    reported = model.get_metrics_result()
    for task, one in expected.items():
        assert float(reported[f"loss_{task}"]) == pytest.approx(one, abs=1e-5)

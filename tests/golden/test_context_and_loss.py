import pathlib

import numpy as np
import pytest

from cpc_keras.losses import info_nce
from cpc_keras.models import CPC, ContextNetwork, ResNet


@pytest.fixture(scope="module")
def golden():
    with np.load(pathlib.Path(__file__).with_name("context_and_loss.npz")) as file:
        return dict(file)


@pytest.fixture(scope="module")
def network(golden):
    layer = ContextNetwork(blocks=2, width=5)
    layer.build(golden["latents"].shape)
    for index, convolutions in enumerate(layer.block_layers):
        for number, convolution in enumerate(convolutions, start=1):
            kernel = golden[f"block{index}_w{number}"].reshape(convolution.kernel.shape)
            convolution.set_weights([kernel, golden[f"block{index}_b{number}"]])
    return layer


def test_context_network_is_the_published_one(golden, network):
    np.testing.assert_allclose(network(golden["latents"].astype("float32")), golden["context"], atol=1e-5)


def test_loss_is_the_published_one(golden, network):
    """Context, prediction, targets and positives together."""
    latents = golden["latents"].astype("float32")
    model = CPC(ResNet((8,), (1,)), 12, 4, offsets=(2,), target_dim=4)
    context = np.asarray(network(latents))
    predictions = 0.1 * (context[:, :-2] @ golden["predictor"] + golden["bias"])
    loss = info_nce(
        predictions.reshape(-1, 4),
        (latents @ golden["to_target"]).reshape(-1, 4),
        model.positives("down", 2, latents.shape[:3]),
    )
    assert float(loss) == pytest.approx(float(golden["loss"]), abs=1e-5)

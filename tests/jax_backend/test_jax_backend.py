"""Layers, loss, model and optimizer on JAX, in processes that cannot import TensorFlow."""

import keras
import numpy as np
import pytest

from cpc_keras.optimizers import AveragedAdamW, averages
from tests.conftest import build_small_cpc
from tests.processes import finish, start

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, photographs):
    """A model saved by TensorFlow, what TensorFlow makes of it in four steps, and what JAX does."""
    place = tmp_path_factory.mktemp("jax")
    keras.utils.set_random_seed(3)
    corners = np.random.default_rng(0).integers(0, 300, (16, 2))
    grey = photographs[0].mean(axis=2, keepdims=True) / 255.0
    images = np.stack([grey[y : y + 28, x : x + 28] for y, x in corners]).astype("float32")
    model = build_small_cpc()
    model.compile(AveragedAdamW(1e-3, average_decay=0.9, weight_decay=1e-4, global_clipnorm=0.01), jit_compile=False)
    model.build((None, 28, 28, 1))
    model.optimizer.build(model.trainable_weights)
    model.save(place / "model.keras")
    np.save(place / "images.npy", images)
    finish([start("-m", "tests.jax_backend.train", devices, place, fresh=True) for devices in (1, 2)])
    history = model.fit(images, batch_size=8, shuffle=False, epochs=2, verbose=0).history
    out = {f"log/{name}": values for name, values in history.items()}
    out |= {f"weight/{one.path}": one.numpy() for one in model.trainable_weights}
    out |= {f"average/{one.path}": a.numpy() for one, a in zip(model.trainable_weights, averages(model), strict=True)}
    np.savez(place / "tensorflow.npz", **out)
    return place


def distance(one, two):
    return np.linalg.norm(one - two) / np.linalg.norm(one)


@pytest.mark.parametrize(("one", "two"), [("tensorflow", "devices1"), ("devices1", "devices2")])
def test_takes_the_same_steps(place, one, two):
    """Patch augmentation, clipping and averaging included; two devices see negatives of the whole batch."""
    with np.load(place / f"{one}.npz") as ours, np.load(place / f"{two}.npz") as theirs:
        names = [name for name in ours.files if name.startswith(("log/", "weight/", "average/"))]
        assert len(names) > 100
        assert ours["log/chance"][0] == pytest.approx(np.log(8 * 25))
        for name in names:
            assert distance(ours[name], theirs[name]) < (1e-4 if name.startswith("log/") else 1e-3), name


def test_the_streamed_loss_equals_the_whole_matrix(place):
    with np.load(place / "devices1.npz") as file:
        for index in range(4):  # loss, hits, gradients of queries and candidates
            np.testing.assert_allclose(file[f"blocks/{index}"], file[f"whole/{index}"], rtol=1e-4, atol=1e-6)

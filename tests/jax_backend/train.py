"""Goes on with a saved CPC model on JAX, where no TensorFlow can be imported.

python -m tests.jax_backend.train DEVICES FOLDER reads `model.keras` and `images.npy`.
"""

import os
import pathlib
import sys

DEVICES, FOLDER = int(sys.argv[1]), pathlib.Path(sys.argv[2])
os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={DEVICES}"
# A device that waits for the others' gradients holds a thread of XLA's pool. With as many threads as cores, a
# convolution of the other device may wait for the thread that waits for it; XLA ends such a process after 40 s.
os.environ["NPROC"] = str(8 * DEVICES)
sys.modules["tensorflow"] = None  # as if it were not installed

import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402

import cpc_keras.models  # noqa: E402
import cpc_keras.optimizers  # noqa: E402, F401
from cpc_keras.losses import streaming  # noqa: E402
from cpc_keras.losses.info_nce import _cross_entropy  # noqa: E402
from cpc_keras.optimizers import averages  # noqa: E402


def train():
    if DEVICES > 1:
        assert len(keras.distribution.list_devices()) == DEVICES
        keras.distribution.set_distribution(keras.distribution.DataParallel())
    model = keras.models.load_model(FOLDER / "model.keras")
    history = model.fit(np.load(FOLDER / "images.npy"), batch_size=8, shuffle=False, epochs=2, verbose=0).history
    out = {f"log/{name}": values for name, values in history.items()}
    out |= {f"weight/{one.path}": one for one in model.trainable_weights}
    out |= {f"average/{one.path}": value for one, value in zip(model.trainable_weights, averages(model), strict=True)}
    return {name: np.asarray(value) for name, value in out.items()}


def streamed():
    """Both forms of the loss and their gradients, compiled; the queries do not fill the last block."""
    streaming.BLOCK_LOGITS = 1  # so that a block has as few rows as it may
    rng = np.random.default_rng(0)
    queries, candidates = (rng.normal(size=(count, 8)).astype("float32") for count in (150, 70))
    positives = rng.integers(0, 70, 150).astype("int32")

    def total(form):
        def of(queries, candidates):
            losses, hits = form(queries, candidates, positives)
            return (losses * np.arange(150)).mean(), hits

        return jax.jit(jax.value_and_grad(of, argnums=(0, 1), has_aux=True))(queries, candidates)

    whole, blocks = (jax.tree.leaves(total(form)) for form in (_cross_entropy, streaming.streamed_cross_entropy))
    return {
        f"{kind}/{index}": value
        for kind, leaves in (("whole", whole), ("blocks", blocks))
        for index, value in enumerate(leaves)
    }


np.savez(FOLDER / f"devices{DEVICES}.npz", **train(), **streamed())

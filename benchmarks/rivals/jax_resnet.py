"""Our own side of `gpu.py`, through Keras on JAX.

python jax_resnet.py PATCHES SIDE answers `encoder` with the seconds of a pass forwards and backwards of a ResNet-50
over that many patches in bfloat16, `matmul` with those of ten products of matrices, and `gpu` and `matmul gflop` with
numbers.
"""

import functools
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
# The rival has the same GPU.
os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"

import jax
import jax.numpy as jnp
from worker import IN_A_ROW, answer

from cpc_keras.models import ResNet50


def main(patches, side):
    """Answers questions."""
    encoder = ResNet50(input_shape=(side, side, 3), pooling="avg", dtype="mixed_bfloat16")
    weights = [weight.value for weight in encoder.trainable_weights]
    fixed = [weight.value for weight in encoder.non_trainable_weights]
    images = jax.random.uniform(jax.random.key(0), (patches, side, side, 3))

    @jax.jit
    def step(weights, images):
        def loss(weights):
            vectors, _ = encoder.stateless_call(weights, fixed, images, training=True)
            return jnp.square(vectors.astype("float32")).sum()

        return jax.grad(loss)(weights)  # all of them are results, so none is left out

    on_gpu = jax.default_backend() == "gpu"
    size = 8192 if on_gpu else 1024
    square = jax.random.normal(jax.random.key(1), (size, size), "bfloat16")

    @jax.jit
    def multiply(square):
        return functools.reduce(lambda x, _: x @ square, range(IN_A_ROW), square)

    answer(
        {
            "encoder": lambda: jax.block_until_ready(step(weights, images)),
            "matmul": lambda: jax.block_until_ready(multiply(square)),
        },
        {"gpu": int(on_gpu), "matmul gflop": IN_A_ROW * 2 * size**3 / 1e9},
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

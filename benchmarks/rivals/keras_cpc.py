"""Our own side of `training_step.py`.

python keras_cpc.py PRECISION WIDTH BATCH FIRST answers each line on standard input with seconds: `encoder` (forwards
and backwards, all gradients consumed), `step` (the whole training step), its further parts `contexts and loss` and
`optimizer`, and `convolution` and `matmul`, ten operations in a row, which show what the machine can do at most. WIDTH
is that of the context networks, FIRST what is imported first: `cpc_keras`, or `keras` as in many a notebook.
"""

import functools
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if sys.argv[4] == "cpc_keras":
    import cpc_keras  # noqa: F401

import keras
import numpy as np
import tensorflow as tf
from worker import IN_A_ROW, SIZE, answer, network

from cpc_keras.backend.kernels import split_batch
from cpc_keras.models import CPC, ResNet
from cpc_keras.optimizers import AveragedAdamW


def build(precision, width, batch):
    """The model, compiled, and a batch of images."""
    shape = network(width)
    encoder = ResNet(
        shape["widths"], shape["blocks"], stem="small", input_shape=(None, None, shape["channels"]), dtype=precision
    )
    model = CPC(
        encoder,
        shape["patch"],
        shape["stride"],
        offsets=shape["offsets"],
        directions=shape["directions"],
        target_dim=shape["target_dim"],
        context_width=shape["context_width"],
        dtype=precision,
    )
    model.build((None, SIZE, SIZE, shape["channels"]))
    model.compile(AveragedAdamW(1e-4), jit_compile=False)
    model.optimizer.build(model.trainable_weights)
    model.make_train_function()
    images = np.random.default_rng(0).random((batch, SIZE, SIZE, shape["channels"])).astype("float32")
    return model, tf.constant(images)


def main(precision, width, batch):
    """Answers questions."""
    keras.utils.set_random_seed(0)
    model, images = build(precision, width, int(batch))
    patches = model.patch_extractor(images)
    patches = tf.reshape(patches, (-1, *patches.shape[3:]))
    batches = iter(tf.data.Dataset.from_tensors(images).repeat())

    @tf.function
    def encode():
        with tf.GradientTape() as tape:
            vectors = tf.reduce_mean(tf.cast(split_batch.encode(model.encoder, patches, True), tf.float32), (1, 2))
            loss = tf.reduce_sum(tf.square(vectors))
        return tf.add_n([tf.reduce_sum(one) for one in tape.gradient(loss, model.encoder.trainable_weights)])

    latents = model.encode(images)
    of_encoder = {id(weight) for weight in model.encoder.trainable_weights}
    others = [weight for weight in model.trainable_weights if id(weight) not in of_encoder]

    @tf.function
    def predict():
        with tf.GradientTape() as tape:
            tape.watch(latents)
            loss = model.compute_loss(y_pred=model.outputs_of(latents))
        gradients = tape.gradient(loss, [latents, *(weight.value for weight in others)])
        return tf.add_n([tf.reduce_sum(one) for one in gradients])

    gradients = [tf.random.normal(weight.shape, stddev=1e-3) for weight in model.trainable_weights]

    @tf.function
    def update():
        model.optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        return model.optimizer.iterations.value

    dtype = tf.bfloat16 if precision == "mixed_bfloat16" else tf.float32
    maps, kernel = (tf.cast(tf.random.normal(shape), dtype) for shape in ((784, 8, 8, 128), (3, 3, 128, 128)))
    square = tf.cast(tf.random.normal((2048, 2048)), dtype)

    @tf.function
    def convolve():
        return functools.reduce(lambda x, _: tf.nn.conv2d(x, kernel, 1, "SAME"), range(IN_A_ROW), maps)[0, 0, 0, 0]

    @tf.function
    def multiply():
        return functools.reduce(lambda x, _: tf.matmul(x, square), range(IN_A_ROW), square)[0, 0]

    answer(
        {
            "encoder": lambda: encode().numpy(),
            "step": lambda: float(model.train_function(batches)["loss"]),
            "contexts and loss": lambda: predict().numpy(),
            "optimizer": lambda: update().numpy(),
            "convolution": lambda: convolve().numpy(),
            "matmul": lambda: multiply().numpy(),
        }
    )


if __name__ == "__main__":
    main(*sys.argv[1:4])

"""PatchExtractor beside `keras.ops.image.extract_patches`, in one process, turn by turn.

Prints the median and the spread of the ratio of their times, and checks that both give the same patches.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import time

import cpc_keras  # noqa: F401 -- first, so that TensorFlow uses oneDNN

# isort: split
import keras
import numpy as np
import tensorflow as tf

from cpc_keras.layers import PatchExtractor

REPETITIONS = 15


def seconds(function, images):
    start = time.perf_counter()
    function(images).numpy()
    return time.perf_counter() - start


def main():
    for size, channels, patch_size, stride, batch in ((28, 1, 12, 4, 64), (96, 3, 32, 16, 32), (256, 3, 64, 32, 4)):
        images = tf.constant(np.random.default_rng(0).uniform(size=(batch, size, size, channels)).astype("float32"))
        ours = tf.function(PatchExtractor(patch_size, stride))
        theirs = tf.function(
            lambda x, p=patch_size, s=stride: keras.ops.image.extract_patches(x, (p, p), strides=(s, s))
        )
        a, b = ours(images).numpy(), theirs(images).numpy()
        np.testing.assert_allclose(a.reshape(b.shape), b, atol=1e-6)
        pairs = [(seconds(ours, images), seconds(theirs, images)) for _ in range(REPETITIONS)]
        ratios = sorted(their / our for our, their in pairs)
        median, low, high = ratios[len(ratios) // 2], ratios[1], ratios[-2]
        print(
            f"{batch} images of {size} px, patches {patch_size}/{stride}: PatchExtractor takes "
            f"{1e3 * np.median([our for our, _ in pairs]):.2f} ms, Keras' operation {median:.1f} times as long "
            f"({low:.1f}–{high:.1f})"
        )


if __name__ == "__main__":
    main()

"""What tensorflow-addons 0.23 makes of a photograph's patches, for `tests/layers/test_transforms.py`.

tensorflow-addons has ended and needs an environment of its own:

    python3.11 -m venv tfa
    tfa/bin/pip install tensorflow==2.15.1 tensorflow-addons==0.23.0 "numpy<2" scikit-learn pillow
    tfa/bin/python tests/golden/make_tfa_primitives.py
"""

import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa
from sklearn.datasets import load_sample_images

ANGLES = (-30.0, 10.0, 25.0)
SHIFTS = ((3, -2), (0, 5), (-7, 1))  # right, down
FACTORS = (0.1, 0.8, 1.9)


def main():
    rng = np.random.default_rng(0)
    picture = load_sample_images().images[0]
    patches = np.stack([picture[top : top + 25, top : top + 25] for top in (100, 180, 300)])
    floats = tf.constant(patches, tf.float32) / 255.0
    flow = rng.uniform(-2.0, 2.0, (3, 25, 25, 2)).astype("float32")
    np.savez_compressed(
        pathlib.Path(__file__).with_name("tfa_primitives.npz"),
        patches=patches,
        angles=ANGLES,
        shifts=SHIFTS,
        factors=FACTORS,
        flow=flow,
        rotate=tfa.image.rotate(floats, np.deg2rad(ANGLES), "bilinear", fill_mode="constant", fill_value=0.5),
        translate=tfa.image.translate(floats, SHIFTS, "nearest", fill_mode="constant", fill_value=0.5),
        equalize=tfa.image.equalize(tf.constant(patches)),
        sharpness=np.stack(
            [tfa.image.sharpness(tf.constant(patch), factor) for patch, factor in zip(patches, FACTORS, strict=True)]
        ),
        dense_image_warp=tfa.image.dense_image_warp(floats, flow),
    )


if __name__ == "__main__":
    main()

"""One configuration of `growth.py`.

python growing.py PRECISION BATCH GRID BLOCKS answers `step` with the seconds of a training step, and `memory` with the
MiB that it takes beside those of a step of one image, its graph included.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cpc_keras  # noqa: F401 -- first, so that TensorFlow uses oneDNN

# isort: split
import numpy as np
import tensorflow as tf

from cpc_keras.config.build import build_cpc
from cpc_keras.config.recipe import Recipe

PATCH, STRIDE = 16, 8


def recipe_of(precision, batch, grid, blocks):
    """A recipe of that batch, that side of the grid and so many residual blocks a stage."""
    return Recipe(
        steps=1000,
        channels=3,
        crop=PATCH + STRIDE * (grid - 1),
        patch_size=PATCH,
        stride=STRIDE,
        stem="small",
        batch_size=batch,
        encoder="resnet",
        widths=(32, 64, 128),
        blocks=(blocks,) * 3,
        offsets=(2,),
        directions=("down", "up", "right", "left"),
        context_width=64,
        precision=precision,
    )


def main(precision, batch, grid, blocks):
    """Answers questions."""
    recipe = recipe_of(precision, batch, grid, blocks)
    model = build_cpc(recipe)
    model.make_train_function()
    images = np.random.default_rng(0).random((batch, recipe.crop, recipe.crop, 3)).astype("float32")

    def step_on(count):
        batches = iter(tf.data.Dataset.from_tensors(images[:count]).repeat())
        return lambda: model.train_function(batches)["loss"].numpy()

    step_on(1)()
    model.make_train_function(force=True)  # else a graph of any batch, where a run has one of a fixed batch
    before, step = peak_begins(), step_on(batch)
    step()
    step()
    answer({"step": step}, {"memory": resident("VmHWM") - before})


if __name__ == "__main__":
    from worker import answer, peak_begins, resident

    main(sys.argv[1], *map(int, sys.argv[2:]))

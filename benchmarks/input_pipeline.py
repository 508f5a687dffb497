"""Training on real input beside training on a batch that is already there, in one process, turn by turn.

For the demo, and for JPEG photographs: those of a set that fits into memory, which are decoded and resized once, and
those of one that does not, for which that is done each time they are seen.
"""

import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cpc_keras  # noqa: F401 -- first, so that TensorFlow uses oneDNN

# isort: split
import numpy as np
import tensorflow as tf
from PIL import Image
from rich.console import Console
from rich.table import Table
from rivals.asking import spread
from sklearn.datasets import load_sample_images

from cpc_keras.config.build import build_cpc
from cpc_keras.config.files import load_recipe
from cpc_keras.config.resolve import resolve
from cpc_keras.data import open_source, preparation, training_batches

ROUNDS, STEPS = 9, 20


def photographs(folder, count=96):
    """JPEG files of 360 × 480 px, pieces of two photographs."""
    rng = np.random.default_rng(0)
    for index in range(count):
        picture = load_sample_images().images[index % 2]
        top, left = rng.integers(0, 427 - 360), rng.integers(0, 640 - 480)
        piece = Image.fromarray(picture[top : top + 360, left : left + 480])
        piece.save(pathlib.Path(folder) / f"{index:03}.jpg", quality=90)


def ratios(recipe):
    """Speed on real input over that on synthetic input, one entry a round, and the images a second of both."""
    found = open_source(recipe.data)
    recipe = resolve(recipe, found)
    images = preparation.prepare(found, recipe.channels, recipe.short_side)
    model = build_cpc(recipe)
    model.make_train_function()
    batches = training_batches(images, recipe.batch_size, recipe.crop, recipe.seed, flip=recipe.flip)
    ready = next(iter(batches))
    readers = [iter(batches), iter(tf.data.Dataset.from_tensors(ready).repeat())]
    speeds = [[], []]
    for number in range(ROUNDS + 1):
        for iterator, kept in zip(readers, speeds, strict=True):
            began = time.perf_counter()
            for _ in range(STEPS):
                logs = model.train_function(iterator)
            float(logs["loss"])
            if number:  # the first round compiles
                kept.append(STEPS * recipe.batch_size / (time.perf_counter() - began))
    real, synthetic = map(np.array, speeds)
    return real / synthetic, np.median(real), np.median(synthetic)


def main():
    """Prints the table."""
    table = Table("", "real, images/s", "synthetic, images/s", "ratio (lowest–highest)", title="Input pipeline")
    with tempfile.TemporaryDirectory() as folder:
        photographs(folder)
        data = f"data='dir:{folder}'"
        cases = {
            "demo": ("fashion_mnist", [], preparation._CACHE_SHARE),
            "JPEG photographs, 360 × 480 px": ("folder", [data], preparation._CACHE_SHARE),
            "the same, not in memory": ("folder", [data], 0.0),
        }
        for name, (recipe, assignments, share) in cases.items():
            preparation._CACHE_SHARE = share
            found, real, synthetic = ratios(load_recipe(recipe, assignments))
            table.add_row(name, f"{real:.1f}", f"{synthetic:.1f}", spread(found, "{:.3f}"))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()

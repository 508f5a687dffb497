"""What each way around a slow kernel is worth in a training step of the demo's model, on this machine.

python benchmarks/kernels.py

Steps with all of them, without one and without any are taken in turns, in one process; the figure is the time with all
over the time without, of each round.
"""

import contextlib
import functools
import time

import cpc_keras  # noqa: F401 -- before keras, so that TensorFlow uses oneDNN

# isort: split
import numpy as np
import tensorflow as tf

from cpc_keras.backend import kernels
from cpc_keras.config.build import build_cpc
from cpc_keras.config.files import load_recipe
from cpc_keras.config.resolve import resolve
from cpc_keras.data.image_set import from_arrays

STEPS, ROUNDS = 12, 7


def main():
    pictures = np.random.default_rng(0).integers(0, 255, (256, 28, 28, 1), "uint8")
    recipe = resolve(load_recipe("fashion_mnist", ["minutes=None"]), from_arrays(pictures))
    batch = tf.constant(pictures[: recipe.batch_size] / 255.0, tf.float32)
    spared = [name for name in kernels.NAMES if name != "strided"]  # without which the process may crash
    cases = {"all": (), **{f"without {name}": (name,) for name in spared}, "none": spared}
    steps = {name: traced(recipe, batch, off) for name, off in cases.items()}
    seconds = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            seconds[name].append(timed(step))
    print(f"{recipe.batch_size} images a step in {recipe.precision}, {STEPS} steps a time, {ROUNDS} rounds")
    for name in list(steps)[1:]:
        ratios = np.array(seconds["all"]) / np.array(seconds[name])
        print(f"time with all over {name:<20} {np.median(ratios):.2f} ({ratios.min():.2f}–{ratios.max():.2f})")


def traced(recipe, batch, off):
    """A function that takes a training step, traced without some of the kernels."""
    model = build_cpc(recipe)
    step = functools.partial(model.train_on_batch, batch)
    with kernels.switched_off(*off) if off else contextlib.nullcontext():
        step()
    return step


def timed(step):
    begin = time.perf_counter()
    for _ in range(STEPS):
        step()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()

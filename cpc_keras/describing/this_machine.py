"""What a recipe takes on the machine at hand, by a few steps that it takes there."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from cpc_keras.backend.distribution import has_accelerator
from cpc_keras.backend.resources import free_memory, processors
from cpc_keras.config.build import build_cpc
from cpc_keras.config.resolve import computes_in_bfloat16
from cpc_keras.describing.accelerators import GIB
from cpc_keras.describing.recipe_figures import figures
from cpc_keras.describing.speed import time_steps

# Operations of a step that is measured, on a processor and on an accelerator; one of 40 GFLOP/s takes five seconds.
_OPERATIONS, _ACCELERATED = 2e11, 2e13
# Share of the free memory that it may take, as counted; workspace comes on top.
_MEMORY = 0.3
# Seconds of measuring, after tracing.
_SECONDS = 3.0


def measure_here(recipe):
    """Trains a recipe's model for a few steps on random images, with fewer images a step if it is large.

    Args:
        recipe: A `Recipe`, resolved for this machine.

    Returns:
        A dictionary that JSON can hold: `"seconds_a_step"` and `"images_per_second"`
        of the recipe's batch, `"batch_size"` and `"steps"` that were measured, and
        `"seconds"` of the run, `None` if its steps are open. `None` instead of all if one
        image alone is too much to try.
    """
    whole = figures(_with(recipe))
    batch_size = _affordable(recipe)
    if not batch_size:
        return None
    small = _with(recipe, batch_size=batch_size)
    model = build_cpc(small)
    shape = (batch_size, recipe.crop, recipe.crop, recipe.channels)
    images = np.random.default_rng(0).random(shape, dtype="float32")
    times = time_steps(model, tf.data.Dataset.from_tensors(images).repeat(), _SECONDS)
    keras.backend.clear_session()
    seconds = times.typical * whole["flops"]["step"] / figures(small)["flops"]["step"]
    return {
        "seconds_a_step": seconds,
        "images_per_second": recipe.batch_size / seconds,
        "batch_size": batch_size,
        "steps": len(times.measured),
        "seconds": None if recipe.steps is None else recipe.steps * seconds,
    }


def _affordable(recipe):
    """Images of a step to be measured, 0 if there can be none."""
    one = figures(_with(recipe, batch_size=1))
    memory = one["memory"]
    operations = (_ACCELERATED if has_accelerator() else _OPERATIONS) / one["flops"]["step"]
    room = _MEMORY * free_memory() - memory["state"]
    return max(0, min(recipe.batch_size, int(operations), int(room // (memory["total"] - memory["state"]))))


def _with(recipe, **fields):
    return dataclasses.replace(recipe, **{"steps": recipe.steps or recipe.accumulate, "minutes": None, **fields})


def one_image_words(recipe):
    """What a step of a single image takes, for a recipe that is not measured."""
    one = figures(_with(recipe, batch_size=1))
    return f"{one['flops']['step'] / 1e12:.1f} TFLOP and {one['memory']['total'] / GIB:.1f} GiB"


def machine_words():
    """This machine in a few words."""
    if has_accelerator():
        return "with its accelerator"
    cores = processors()
    return f"{cores} core{'s' if cores > 1 else ''}"


def precision_words(recipe):
    """In what numbers the recipe computes here, and what that means."""
    narrow = has_accelerator() or computes_in_bfloat16()
    if recipe.precision == "mixed_bfloat16":
        return (
            "bfloat16 (numbers of half the width), for which it has instructions: faster than float32 on wide networks"
            if narrow
            else "bfloat16, for which it has no instructions; precision='float32' is many times faster here"
        )
    if narrow:
        return (
            "float32; it has instructions for bfloat16 (numbers of half the width): on wide networks precision='auto' "
            "is faster"
        )
    return (
        "float32: it has no instructions for bfloat16 (numbers of half the width), with which newer processors and "
        "accelerators are faster"
    )

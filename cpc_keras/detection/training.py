"""Training a detector, so that it can be broken off."""

import pathlib

import keras
import numpy as np

from cpc_keras.data.python_calls import calls_awaited
from cpc_keras.detection.data.batches import boxed_batches
from cpc_keras.errors import InputError
from cpc_keras.optimizers import AveragedAdamW, WarmUp
from cpc_keras.progress import NoProgress
from cpc_keras.storage.outputs import atomic_output
from cpc_keras.storage.reading import readable
from cpc_keras.storage.results import open_arrays


def train_detector(detector, boxed, recipe, steps, state_file=None, progress=None):
    """Trains a detector; broken off, it goes on where its last state was kept.

    Args:
        detector: A `FasterRCNN` with the weights that training starts from.
        boxed: A `BoxedImages`, or its tiles.
        recipe: A `DetectionRecipe`.
        steps: Optimizer steps.
        state_file: `.npz` file for what training needs to go on; `None` keeps
            nothing. It is there when training is done too, for the caller to remove.
        progress: A `NoProgress` or the like.

    Raises:
        InputError: If a loss is not a number, or the state cannot be written. One that
            cannot be read is missing.
    """
    progress = progress or NoProgress()
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, decay_steps=steps)
    optimizer = AveragedAdamW(
        WarmUp(schedule, min(recipe.warmup_steps, steps // 10)),
        weight_decay=recipe.weight_decay,
        global_clipnorm=recipe.clip_norm,
    )
    detector.compile(optimizer, jit_compile=False)
    optimizer.build(detector.trainable_weights)
    start = _restored(detector, state_file)
    batches = boxed_batches(
        boxed,
        min(recipe.batch_size, len(boxed)),
        recipe.seed,
        recipe.short_side,
        recipe.scales,
        recipe.max_side,
        recipe.flip,
        recipe.turn,
        recipe.color_jitter,
        start_step=start,
        steps=steps,
    )
    watch = _Watch(start, state_file, recipe.checkpoint_every, steps, progress)
    progress.advance(start)
    if start < steps:
        with calls_awaited():
            detector.fit(batches, steps_per_epoch=steps - start, verbose=0, shuffle=False, callbacks=[watch])


class _Watch(keras.callbacks.Callback):
    """Looks at the losses, and keeps the state now and then."""

    def __init__(self, step, state_file, every, steps, progress):
        super().__init__()
        self.step = step
        self.state_file = state_file
        self.every = every
        self.steps = steps
        self.progress = progress

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        self.progress.advance()
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(loss):
            raise InputError(
                f"`learning_rate` must be so small that losses stay numbers. Received: loss={loss} at step {self.step}"
            )
        if self.state_file is not None and (self.step % self.every == 0 or self.step == self.steps):
            _keep(self.model, self.state_file, self.step)


def _state(detector):
    return [*detector.weights, *detector.optimizer.variables]


def _keep(detector, path, step):
    with atomic_output(path, argument="RUN", guarded=False) as partial, open(partial, "wb") as file:
        np.savez(file, step, *(np.asarray(variable) for variable in _state(detector)))


def _restored(detector, path):
    """The step that training goes on from."""
    variables = _state(detector)

    def read(file):
        with open_arrays(file) as kept:
            step, *arrays = (kept[f"arr_{index}"] for index in range(len(variables) + 1))
        if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
            raise ValueError("its arrays are of another detector")
        return int(step), arrays

    step, arrays = (path and readable(pathlib.Path(path), read)) or (0, ())
    for variable, array in zip(variables[: len(arrays)], arrays, strict=True):
        variable.assign(array)
    return step

"""Training a detector, and finding with it."""

import os
import pathlib
import zipfile

import keras
import numpy as np
import tensorflow as tf

from cpc_keras.data.boxed_batches import boxed_batches, resized
from cpc_keras.data.image_set import to_float
from cpc_keras.data.python_calls import calls_awaited
from cpc_keras.detection.proposals import detect
from cpc_keras.errors import InputError
from cpc_keras.optimizers import AveragedAdamW, WarmUp
from cpc_keras.progress import NoProgress

# Pixels from a tile's edge within which a box is taken to be cut by it.
_CUT = 2.0


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
        InputError: If a loss is not a number, or the state cannot be written.
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
    partial = pathlib.Path(path).with_name(f".{pathlib.Path(path).name}.partial")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            np.savez(file, step, *(np.asarray(variable) for variable in _state(detector)))
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(
            f"`RUN` must be a folder that can be written to. Received: {path} ({error.strerror})"
        ) from error


def _restored(detector, path):
    """The step that training goes on from."""
    if path is None or not pathlib.Path(path).is_file():
        return 0
    variables = _state(detector)
    try:
        with np.load(path) as kept:
            arrays = [kept[f"arr_{index}"] for index in range(len(variables) + 1)]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"The state of a training must be whole; delete it to begin anew. Received: {path}") from error
    for variable, array in zip(variables, arrays[1:], strict=True):
        variable.assign(array)
    return int(arrays[0])


def find_objects(detector, boxed, short_side=None, max_side=None, batch_size=8, progress=None):
    """What a detector finds on images.

    Args:
        detector: A `FasterRCNN`.
        boxed: A `BoxedImages`.
        short_side: Pixels to which the short side is resized, or `None`.
        max_side: Pixels that the long side is held to, or `None`.
        batch_size: Images that are looked at together, if they are of one size.
        progress: A `NoProgress` or the like.

    Returns:
        For each image a dictionary of arrays: `"boxes"` `[D, 4]` in pixels of the
        image as it is, `"scores"` `[D]`, `"classes"` `[D]`.
    """
    progress = progress or NoProgress()
    channels = int(boxed.images.sizes[0, 2])

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, channels))], autograph=False)
    def compute(images):
        return detector(images, training=False)

    found: list = [None] * len(boxed)
    for positions in _of_one_size(boxed.images.sizes, batch_size):
        pairs = [resized(boxed.images.read(position), short_side, max_side) for position in positions]
        images = np.stack([to_float(image) for image, _ in pairs])
        results = {name: value.numpy() for name, value in compute(tf.constant(images)).items()}
        for row, (position, (_, scale)) in enumerate(zip(positions, pairs, strict=True)):
            count = int(results["count"][row])
            found[position] = {name: results[name][row, :count] for name in ("boxes", "scores", "classes")}
            found[position]["boxes"] = found[position]["boxes"] / scale
        progress.advance(len(positions))
    return found


def _of_one_size(sizes, batch_size):
    """Positions of images of one size, up to `batch_size` at a time."""
    groups: dict[tuple, list[int]] = {}
    for position, size in enumerate(np.asarray(sizes).tolist()):
        groups.setdefault(tuple(size), []).append(position)
    for group in groups.values():
        for first in range(0, len(group), batch_size):
            yield group[first : first + batch_size]


def put_together(tiles, found, sizes, classes, overlap_threshold, max_detections=1000):
    """What was found on tiles, as found on their images.

    A box that a tile's inner edge cuts is left to the neighbour, which shows it
    whole; of two that two tiles have found, the better one stays.

    Args:
        tiles: A `cpc_keras.data.tiles.Tiles`.
        found: As of `find_objects`, of its tiles.
        sizes: Height and width of each image, `[N, 2]` or more columns.
        classes: Number of classes.
        overlap_threshold: Overlap above which two boxes of a class say the same.
        max_detections: Detections of an image, at most.

    Returns:
        As `find_objects`, of the images.
    """
    results = []
    for position, (height, width, *_) in enumerate(np.asarray(sizes)):
        boxes, scores, kinds = [np.zeros((0, 4))], [np.zeros(0)], [np.zeros(0, "int64")]
        for tile in np.flatnonzero(tiles.image == position):
            left, top = tiles.corner[tile]
            tile_height, tile_width, _ = tiles.boxed.images.sizes[tile]
            one = found[tile]["boxes"]
            whole = np.ones(len(one), bool)
            for side, inner, limit in (
                (0, left > 0, None),
                (1, top > 0, None),
                (2, left + tile_width < width, tile_width),
                (3, top + tile_height < height, tile_height),
            ):
                if inner:
                    whole &= one[:, side] > _CUT if limit is None else one[:, side] < limit - _CUT
            boxes.append(one[whole] + np.array([left, top, left, top]))
            scores.append(found[tile]["scores"][whole])
            kinds.append(found[tile]["classes"][whole])
        everything = (np.concatenate(boxes), np.concatenate(scores), np.concatenate(kinds))
        results.append(_best(*everything, classes, overlap_threshold, max_detections))
    return results


def _best(boxes, scores, kinds, classes, overlap_threshold, most):
    """One image's detections without those that say what a better one says."""
    by_class = scores[:, None] * np.eye(classes)[kinds]
    of_class = np.repeat(boxes[:, None], classes, axis=1)
    kept = detect(
        of_class[None].astype("float32"),
        by_class[None].astype("float32"),
        overlap_threshold,
        0.0,
        most,
        candidates=max(most, len(boxes)),
    )
    count = int(kept["count"][0])
    return {name: np.asarray(kept[name][0])[:count] for name in ("boxes", "scores", "classes")}

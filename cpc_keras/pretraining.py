"""A recipe becomes a trained run."""

import csv
import dataclasses

import keras
import tensorflow as tf

from cpc_keras.building import build_cpc
from cpc_keras.checkpoints import load_model, save_checkpoint
from cpc_keras.data.image_set import prepare
from cpc_keras.data.pipeline import training_batches
from cpc_keras.data.sources import open_source
from cpc_keras.determinism import enable_determinism
from cpc_keras.errors import InputError
from cpc_keras.geometry import overlaps, resolve
from cpc_keras.health import HealthLog
from cpc_keras.interrupts import Interrupts
from cpc_keras.online_probe import OnlineProbe, open_online_probe
from cpc_keras.run_folder import RunFolder, keep_rows, write_json


def pretrain(recipe, run, console):
    """Trains a CPC model, or goes on where an earlier call stopped.

    Args:
        recipe: A `Recipe`.
        run: Path of the run's folder.
        console: A `rich.console.Console` to report to.

    Returns:
        The trained `CPC` model.

    Raises:
        InputError: If the recipe does not fit the images or the folder, or the
            last checkpoint cannot be read.
    """
    enable_determinism()
    keras.utils.set_random_seed(recipe.seed)
    folder = RunFolder(run)
    found = open_source(recipe.data, max_bad_share=recipe.max_bad_share)
    asked, recipe = recipe, folder.settle(recipe, lambda: resolve(recipe, found))
    images = prepare(found, recipe.channels, recipe.short_side, recipe.max_bad_share)
    labelled = open_online_probe(recipe)
    folder.begin(asked, recipe)
    if images.class_names:
        _write_classes(folder, images)
    _announce(asked, recipe, images, console)

    model, start = _model(recipe, folder)
    if start >= recipe.steps:
        console.print(f"{folder.path} is trained: all {recipe.steps} steps are done.")
    else:
        if start:
            console.print(f"Resumes after step {start} of {recipe.steps}.")
        _fit(model, recipe, folder, images, labelled, start, console)
    _report_bad_files(folder, images, console)
    return model


def _model(recipe, folder):
    last = folder.last_checkpoint()
    if last is None:
        return build_cpc(recipe), 0
    step, path = last
    model = load_model(path)
    updates = int(model.optimizer.iterations)
    if updates != step // recipe.accumulate:
        raise InputError(
            f"The checkpoint must be of step {step}, as its name says. Received: {path} after {updates} updates"
        )
    return model, step


def _fit(model, recipe, folder, images, labelled, start, console):
    every = recipe.checkpoint_every
    model.track_labels(BatchDigest(name="batch_digest"))
    if start == 0:
        save_checkpoint(model, folder, 0, recipe.keep_checkpoints)
    probe = labelled and OnlineProbe(model, labelled, recipe.crop, recipe.seed)
    log = HealthLog(folder, recipe, len(images), start, console, probe)
    interrupts = Interrupts()
    callbacks = [log, _BatchLog(folder, start), _Checkpoints(folder, recipe, start), interrupts]
    # `fit`'s epochs are the stretches between checkpoints; the last may be shorter.
    whole = recipe.steps // every
    stretches = [(start // every, whole, every)] if start // every < whole else []
    if recipe.steps % every:
        stretches.append((whole, whole + 1, recipe.steps % every))
    with log, interrupts:
        for first, last, length in stretches:
            batches = training_batches(
                images,
                recipe.batch_size,
                recipe.crop,
                recipe.seed,
                flip=recipe.flip,
                start_step=first * every,
                steps=first * every + (last - first) * length,
            )
            model.fit(
                batches,
                initial_epoch=first,
                epochs=last,
                steps_per_epoch=length,
                callbacks=callbacks,
                verbose=0,
                shuffle=False,
            )


class BatchDigest(keras.metrics.Metric):
    """A 48-bit hash of the image positions of the latest batch, in their order."""

    _KEY = (2019, 5272)

    def __init__(self, name="batch_digest", **kwargs):
        super().__init__(name=name, dtype="int64", **kwargs)
        self.digest = self.add_weight(name="digest", shape=(), initializer="zeros", dtype="int64")

    def update_state(self, positions, sample_weight=None):
        text = tf.strings.reduce_join(tf.strings.as_string(positions), separator=",")
        self.digest.assign(tf.strings.to_hash_bucket_strong(text, 2**48, self._KEY))

    def result(self):
        return self.digest.value


class _BatchLog(keras.callbacks.Callback):
    """Writes which images each optimizer step saw, as a hash, to `batches.csv`."""

    def __init__(self, folder, start):
        super().__init__()
        self.path = folder.batches_file
        self.step = start
        self.rows = []
        keep_rows(self.path, ["step", "digest"], start)

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        self.rows.append((self.step, f"{int(logs['batch_digest']):012x}"))

    def on_epoch_end(self, epoch, logs=None):
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(self.rows)
        self.rows = []


class _Checkpoints(keras.callbacks.Callback):
    """Saves at the end of each stretch; comes after the logs, which are written then."""

    def __init__(self, folder, recipe, start):
        super().__init__()
        self.folder = folder
        self.recipe = recipe
        self.step = start

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1

    def on_epoch_end(self, epoch, logs=None):
        every = self.recipe.checkpoint_every if self.recipe.keep_milestones else None
        save_checkpoint(self.model, self.folder, self.step, self.recipe.keep_checkpoints, every)


def _write_classes(folder, images):
    write_json(folder.classes_file, dict(enumerate(images.class_names)))


def _announce(asked, recipe, images, console):
    height, width = images.sizes[:, 0], images.sizes[:, 1]
    console.print(
        f"{images.name}: {len(images):,} images ({images.split}), {height.min()}–{height.max()} × "
        f"{width.min()}–{width.max()} px, {recipe.channels} channel{'s' if recipe.channels > 1 else ''}."
    )
    settled = [
        f"{field.name}={getattr(recipe, field.name)!r}"
        for field in dataclasses.fields(recipe)
        if getattr(asked, field.name) != getattr(recipe, field.name) and field.name != "epochs"
    ]
    if settled:
        console.print(f"Resolved: {', '.join(settled)}.")
    side = (recipe.crop - recipe.patch_size) // recipe.stride + 1
    console.print(
        f"Grid {side} × {side} of {recipe.patch_size}-px patches, {recipe.batch_size * side * side:,} candidates, "
        f"{recipe.steps:,} steps of {recipe.batch_size} images."
    )
    for offset, pixels in overlaps(recipe).items():
        console.print(
            f"Note: at offset {offset} a predicted patch shares {pixels} px with one already seen, which "
            "makes part of the task a matter of copying."
        )


def _report_bad_files(folder, images, console):
    if not images.bad_files:
        return
    rows = [["path", "reason"], *([bad.path, bad.reason] for bad in images.bad_files)]
    with open(folder.bad_files_file, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    count = len(images.bad_files)
    console.print(f"{count} bad file{'s were' if count > 1 else ' was'} left out ({folder.bad_files_file}):")
    for bad in images.bad_files:
        console.print(f"  {bad.path}: {bad.reason}")

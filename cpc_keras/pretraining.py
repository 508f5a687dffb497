"""A recipe becomes a trained run."""

import contextlib
import csv
import dataclasses
import functools

import keras
import tensorflow as tf
from rich.console import Console

from cpc_keras.building import build_cpc
from cpc_keras.checkpoints import load_model
from cpc_keras.data.image_set import prepare
from cpc_keras.data.pipeline import training_batches
from cpc_keras.data.python_calls import calls_awaited
from cpc_keras.data.sources import open_source
from cpc_keras.determinism import enable_determinism
from cpc_keras.distribution import (
    check_replicas,
    compiles_the_step,
    distribute,
    has_accelerator,
    has_many_workers,
    is_chief,
    wait_for,
)
from cpc_keras.errors import InputError
from cpc_keras.geometry import computes_in_bfloat16, overlaps, resolve
from cpc_keras.health import HealthLog
from cpc_keras.interrupts import Interrupts
from cpc_keras.mishaps import told_in_one_line
from cpc_keras.online_probe import OnlineProbe, open_online_probe
from cpc_keras.run_callbacks import BatchLog, Checkpoints, Sanity
from cpc_keras.run_folder import RunFolder, write_json


def pretrain(recipe, run, console, strategy=None):
    """Trains a CPC model, or goes on where an earlier call stopped.

    Args:
        recipe: A `Recipe`.
        run: Path of the run's folder; workers share it, and the first one writes.
        console: A `rich.console.Console` to report to.
        strategy: A `tf.distribute.Strategy`, such as
            `cpc_keras.distribution.open_strategy` gives; one device if `None`.

    Returns:
        The trained `CPC` model.

    Raises:
        InputError: If the recipe does not fit the images, the folder or the
            replicas; if the last checkpoint cannot be read; or if training
            cannot go on, since images have vanished, a disk is full or the loss is
            no longer a number. The last good checkpoint stays.
        Stopped: If the process was told to end (SIGTERM) and has saved itself, or
            if another worker is gone.
    """
    enable_determinism()
    keras.utils.set_random_seed(recipe.seed)
    strategy = strategy or tf.distribute.get_strategy()
    chief = is_chief(strategy)
    if not chief:
        console = Console(quiet=True)
    folder = RunFolder(run)
    found = open_source(recipe.data, max_bad_share=recipe.max_bad_share, tile=recipe.tile)
    if not chief:
        wait_for(folder.recipe_file)
    asked, recipe = recipe, folder.settle(recipe, lambda: resolve(recipe, found))
    check_replicas(strategy, recipe)
    images = prepare(found, recipe.channels, recipe.short_side, recipe.max_bad_share)
    labelled = open_online_probe(recipe) if chief else None
    if chief:
        folder.begin(asked, recipe)
        if images.class_names:
            _write_classes(folder, images)
    _announce(asked, recipe, images, strategy, console)

    with told_in_one_line(folder, strategy) as watch:
        with strategy.scope():
            model, start = _model(recipe, folder)
        if start >= recipe.steps:
            console.print(f"{folder.path} is trained: all {recipe.steps} steps are done.")
        else:
            if start:
                console.print(f"Resumes after step {start} of {recipe.steps}.")
            watched = dataclasses.replace(images, read=watch(images.read))
            _fit(model, recipe, folder, watched, labelled, start, console, strategy)
    if chief:
        _report_bad_files(folder, images, console)
    return model


def _model(recipe, folder):
    last = folder.last_checkpoint()
    if last is None:
        return build_cpc(recipe), 0
    step, path = last
    model = load_model(path)
    model.jit_compile = compiles_the_step()  # the checkpoint may come from another machine
    updates = int(model.optimizer.iterations.numpy())
    if updates != step // recipe.accumulate:
        raise InputError(
            f"The checkpoint must be of step {step}, as its name says. Received: {path} after {updates} updates"
        )
    return model, step


def _fit(model, recipe, folder, images, labelled, start, console, strategy):
    every = recipe.checkpoint_every
    many_workers = has_many_workers(strategy)
    interrupts = Interrupts()
    callbacks: list[keras.callbacks.Callback] = [Sanity(folder, start)]
    model.log_batches()
    if many_workers:
        model.listen_for_stop()
    batch_log = log = None
    if is_chief(strategy):
        probe = labelled and OnlineProbe(model, labelled, recipe.crop, recipe.seed)
        log = HealthLog(folder, recipe, len(images), start, console, probe)
        batch_log = BatchLog(folder, start)
        callbacks += [log, batch_log]
    checkpoints = Checkpoints(folder, recipe, start, interrupts, batch_log, many_workers)
    if start == 0:
        checkpoints.save(model)
    with log or contextlib.nullcontext(), interrupts:
        for first, last, length in _stretches(start, recipe.steps, every):
            batches = functools.partial(
                training_batches,
                images,
                recipe.batch_size,
                recipe.crop,
                recipe.seed,
                flip=recipe.flip,
                start_step=start,
                steps=start + (last - first) * length,
            )
            start += (last - first) * length
            with calls_awaited():
                model.fit(
                    distribute(strategy, batches),
                    initial_epoch=first,
                    epochs=last,
                    steps_per_epoch=length,
                    callbacks=[*callbacks, checkpoints, interrupts],
                    verbose=0,
                    shuffle=False,
                )


def _stretches(start, steps, every):
    """`fit`'s epochs are the stretches between checkpoints: `(first epoch, epoch after the last, steps of each)`.

    The first may be what is left of one that was broken off, and the last may be
    shorter.
    """
    if start % every:
        length = min(every - start % every, steps - start)
        yield start // every, start // every + 1, length
        start += length
    if start // every < steps // every:
        yield start // every, steps // every, every
    if steps % every and start < steps:
        yield steps // every, steps // every + 1, steps % every


def _write_classes(folder, images):
    write_json(folder.classes_file, dict(enumerate(images.class_names)))


def _announce(asked, recipe, images, strategy, console):
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
    if recipe.precision == "mixed_bfloat16" and not (has_accelerator() or computes_in_bfloat16()):
        console.print(
            "Note: this processor has no bfloat16 instructions; precision='float32' is many times faster here."
        )
    if strategy.num_replicas_in_sync > 1:
        console.print(
            f"{strategy.num_replicas_in_sync} replicas of {recipe.batch_size // strategy.num_replicas_in_sync} "
            "images, each compared with the patches of all."
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

"""A recipe becomes a trained run."""

import contextlib
import csv
import dataclasses
import functools
import time

import keras
import tensorflow as tf
from rich.console import Console

from cpc_keras.backend.determinism import enable_determinism
from cpc_keras.backend.distribution import (
    check_replicas,
    compiles_the_step,
    distribute,
    has_accelerator,
    has_many_workers,
    is_chief,
    wait_for,
)
from cpc_keras.config.build import build_cpc
from cpc_keras.config.recipe import Recipe
from cpc_keras.config.resolve import computes_in_bfloat16, overlaps, resolve
from cpc_keras.data.image_set import ImageSet
from cpc_keras.data.image_set import prepare as prepare_images
from cpc_keras.data.pipeline import training_batches
from cpc_keras.data.python_calls import calls_awaited
from cpc_keras.data.sources import open_source
from cpc_keras.describing.learning_curve import longer_run
from cpc_keras.describing.time_budget import minutes_text
from cpc_keras.errors import InputError
from cpc_keras.pretraining.callbacks import BatchLog, Checkpoints, StopOnDivergence
from cpc_keras.pretraining.failures import errors_in_one_line
from cpc_keras.pretraining.fit_to_time import fit_to_time
from cpc_keras.pretraining.health import HealthLog
from cpc_keras.pretraining.interrupts import Interrupts
from cpc_keras.pretraining.online_probe import OnlineProbe, open_online_probe
from cpc_keras.progress import waiting
from cpc_keras.runs.checkpoints import load_model, seconds_to_save
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.atomic import write_json

# Steps that a model is built for whose number is still to be found.
_ANY = 1000


def pretrain(recipe, run, console, strategy=None, fitted=None):
    """Trains a CPC model, or goes on where an earlier call stopped.

    Args:
        recipe: A `Recipe`.
        run: Path of the run's folder; workers share it, and the first one writes.
        console: A `rich.console.Console` to report to.
        strategy: A `tf.distribute.Strategy`, such as
            `cpc_keras.backend.distribution.open_strategy` gives; one device if `None`.
        fitted: The `cpc_keras.describing.time_budget.FittedSteps` of a recipe with
            `minutes`, if somebody has measured already.

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
    return fit(prepare(recipe, run, console, strategy), console, fitted)


@dataclasses.dataclass
class Run:
    """A run whose recipe is resolved and whose images are open: what `fit` takes.

    Attributes:
        asked: The `Recipe` as it was given.
        recipe: The same, resolved.
        folder: The `RunFolder`.
        images: The `ImageSet`, prepared.
        labelled: Labelled images of the online probe, or `None`.
        strategy: The `tf.distribute.Strategy`.
        began: When its preparation began, as `time.monotonic` has it.
        opened: When its images were open.
    """

    asked: Recipe
    recipe: Recipe
    folder: RunFolder
    images: ImageSet
    labelled: ImageSet | None
    strategy: tf.distribute.Strategy
    began: float
    opened: float

    @property
    def chief(self):
        """Whether this process is the one that writes."""
        return is_chief(self.strategy)

    def batches(self, images, **steps):
        """`tf.data.Dataset` of training batches, of all replicas.

        Args:
            images: The `ImageSet` to read from.
            **steps: `start_step` and `steps` of `training_batches`.
        """
        recipe = self.recipe
        batches = functools.partial(
            training_batches, images, recipe.batch_size, recipe.crop, recipe.seed, flip=recipe.flip, **steps
        )
        return distribute(self.strategy, batches)


def prepare(recipe, run, console, strategy=None):
    """Resolves a recipe and opens its images. Writes nothing.

    Args:
        recipe: A `Recipe`.
        run: Path of the run's folder; workers share it, and the first one writes.
        console: A `rich.console.Console` to report to.
        strategy: A `tf.distribute.Strategy`, such as
            `cpc_keras.backend.distribution.open_strategy` gives; one device if `None`.

    Returns:
        A `Run`.

    Raises:
        InputError: If the recipe does not fit the images, the folder or the replicas.
    """
    began = time.monotonic()
    enable_determinism()
    keras.utils.set_random_seed(recipe.seed)
    strategy = strategy or tf.distribute.get_strategy()
    chief = is_chief(strategy)
    folder = RunFolder(run)
    if recipe.minutes is not None and has_many_workers(strategy) and not folder.recipe_file.is_file():
        raise InputError(
            "`minutes` must be None with several workers, which would not measure the same; set the number of steps: "
            f"--set minutes=None --set steps=N. Received: minutes={recipe.minutes:g}"
        )
    with waiting(console if chief else Console(quiet=True), f"Opening {recipe.data}"):
        found = open_source(recipe.data, max_bad_share=recipe.max_bad_share, tile=recipe.tile)
        if not chief:
            wait_for(folder.recipe_file)
        resolved = folder.settle(recipe, lambda: resolve(recipe, found))
        check_replicas(strategy, resolved)
        images = prepare_images(found, resolved.channels, resolved.short_side, resolved.max_bad_share)
        labelled = open_online_probe(resolved) if chief else None
    return Run(recipe, resolved, folder, images, labelled, strategy, began, time.monotonic())


def fit(run, console, fitted=None):
    """Trains a prepared run, from its last checkpoint on.

    Args:
        run: A `Run`.
        console: A `rich.console.Console` to report to.
        fitted: The `cpc_keras.describing.time_budget.FittedSteps` of a recipe with
            `minutes`, if somebody has measured already.

    Returns:
        The trained `CPC` model.

    Raises:
        InputError: As `pretrain`.
        Stopped: As `pretrain`.
    """
    console = console if run.chief else Console(quiet=True)
    folder = run.folder
    if fitted and run.recipe.minutes is not None:
        run.recipe = fitted.of(run.recipe)
    _announce(run, console)
    with errors_in_one_line(folder, run.strategy) as watch:
        watched = dataclasses.replace(run.images, read=watch(run.images.read))
        model = probe = expected = None
        if run.recipe.minutes is not None:
            model, probe, fitted = _fit_to_time(run, watched, console)
            run.recipe, expected = fitted.of(run.recipe), fitted.seconds
        if run.chief:
            folder.begin(run.asked, run.recipe, fitted and dataclasses.asdict(fitted))
            if run.images.class_names:
                _write_classes(folder, run.images)
        start = 0
        if model is None:
            model, start = _model(run.recipe, folder, run.strategy)
        if start >= run.recipe.steps:
            console.print(f"{folder.path} is trained: all {run.recipe.steps} steps are done.")
        else:
            if start:
                console.print(f"Resumes after step {start} of {run.recipe.steps}.")
            if probe is None and run.labelled:
                probe = _probe(run, model)
            _train(run, model, watched, probe, start, console, expected)
    if run.chief:
        _report_bad_files(folder, run.images, console)
        words = longer_run(run.recipe, folder.fitted())
        if words:
            console.print(words)
    return model


def _probe(run, model):
    return OnlineProbe(model, run.labelled, run.recipe.crop, run.recipe.seed) if run.labelled else None


def _model(recipe, folder, strategy):
    """`(model, step)` of the last checkpoint, or a new model, ready to be trained."""
    last = folder.last_checkpoint()
    step, path = last or (0, None)
    with strategy.scope():
        model = load_model(path) if last else build_cpc(recipe)
    model.log_batches()
    if has_many_workers(strategy):
        model.listen_for_stop()
    if last is None:
        return model, 0
    model.jit_compile = compiles_the_step()  # the checkpoint may come from another machine
    updates = int(model.optimizer.iterations.numpy())
    if updates != step // recipe.accumulate:
        raise InputError(
            f"The checkpoint must be of step {step}, as its name says. Received: {path} after {updates} updates"
        )
    return model, step


def fitted_steps(recipe, run, console, runs=1):
    """The steps that fit into a recipe's `minutes`, if several runs like it share them.

    Args:
        recipe: A `Recipe` with `minutes`.
        run: Path in which the runs' folders will be.
        console: A `rich.console.Console`.
        runs: How many.

    Returns:
        A `cpc_keras.describing.time_budget.FittedSteps`, for `pretrain`.

    Raises:
        InputError: As `pretrain`.
    """
    prepared = prepare(recipe, run, console)
    *_, fitted = _fit_to_time(prepared, prepared.images, console, runs)
    keras.backend.clear_session()
    return fitted


def _fit_to_time(run, images, console, runs=1):
    """`(model, probe, FittedSteps)` of a new run."""
    recipe = run.recipe
    provisional = dataclasses.replace(recipe, steps=recipe.steps or _ANY * recipe.accumulate)
    model, _ = _model(provisional, run.folder, run.strategy)
    probe = _probe(run, model)

    def save_row():
        seconds = seconds_to_save(model, run.folder)
        if probe:
            probe.score()  # traces
            before = time.monotonic()
            probe.score()
            seconds += time.monotonic() - before
        return seconds

    batches = run.batches(images)
    fitted = fit_to_time(recipe, model, batches, save_row, run.began, run.opened, console, run.strategy, runs)
    return model, probe, fitted


def _train(run, model, images, probe, start, console, expected=None):
    recipe, folder = run.recipe, run.folder
    interrupts = Interrupts()
    callbacks: list[keras.callbacks.Callback] = [StopOnDivergence(folder, start)]
    batch_log = log = None
    if run.chief:
        log = HealthLog(folder, recipe, len(images), start, console, probe, expected)
        batch_log = BatchLog(folder, start)
        callbacks += [log, batch_log]
    checkpoints = Checkpoints(folder, recipe, start, interrupts, batch_log, has_many_workers(run.strategy))
    if start == 0:
        checkpoints.save(model)
    with log or contextlib.nullcontext(), interrupts:
        for first, last, length in _stretches(start, recipe.steps, recipe.checkpoint_every):
            begin, start = start, start + (last - first) * length
            with calls_awaited():
                model.fit(
                    run.batches(images, start_step=begin, steps=start),
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


def _announce(run, console):
    asked, recipe, images, strategy = run.asked, run.recipe, run.images, run.strategy
    height, width = images.sizes[:, 0], images.sizes[:, 1]
    console.print(
        f"{images.name}: {len(images):,} images ({images.split}), {height.min()}–{height.max()} × "
        f"{width.min()}–{width.max()} px, {recipe.channels} channel{'s' if recipe.channels > 1 else ''}."
    )
    settled = [
        f"{field.name}={getattr(recipe, field.name)!r}"
        for field in dataclasses.fields(recipe)
        if getattr(asked, field.name) != getattr(recipe, field.name) and field.name not in ("epochs", "minutes")
    ]
    if settled:
        console.print(f"Resolved: {', '.join(settled)}.")
    steps = f"{recipe.steps:,} steps" if recipe.steps else "steps"
    if recipe.minutes is not None:
        steps = f"as many {'of ' if recipe.steps else ''}{steps} as fit into {minutes_text(recipe.minutes)}"
    side = (recipe.crop - recipe.patch_size) // recipe.stride + 1
    console.print(
        f"Grid {side} × {side} of {recipe.patch_size}-px patches, {recipe.batch_size * side * side:,} candidates, "
        f"{steps}, {recipe.batch_size} images each."
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

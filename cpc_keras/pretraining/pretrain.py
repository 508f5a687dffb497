"""A recipe becomes a trained run."""

import contextlib
import dataclasses
import statistics
import time

import keras
import tensorflow as tf

from cpc_keras.backend.distribution import compiles_the_step, has_many_workers, is_chief
from cpc_keras.config.build import build_cpc
from cpc_keras.config.image_sizes import typical_side
from cpc_keras.config.jitter import with_jitter
from cpc_keras.data.python_calls import calls_awaited
from cpc_keras.describing.learning_curve import longer_run
from cpc_keras.describing.time_budget import fit_steps, minutes_text
from cpc_keras.errors import InputError
from cpc_keras.optimizers import RunSchedule
from cpc_keras.pretraining.announce import announce, report_bad_files
from cpc_keras.pretraining.callbacks import BatchLog, Checkpoints, StopOnDivergence
from cpc_keras.pretraining.failures import errors_in_one_line
from cpc_keras.pretraining.fit_to_time import fit_to_time
from cpc_keras.pretraining.health import HealthLog
from cpc_keras.pretraining.interrupts import Interrupts
from cpc_keras.pretraining.jitter_trial import jitter_words, try_jitter
from cpc_keras.pretraining.online_probe import OnlineProbe
from cpc_keras.pretraining.prepare import prepare
from cpc_keras.runs.checkpoints import load_last_whole, seconds_to_save
from cpc_keras.runs.logs import still_falling
from cpc_keras.storage.atomic import write_json
from cpc_keras.storage.owner import owned_folder
from cpc_keras.trackers.callback import TrackerLog
from cpc_keras.trackers.tracking import open_tracking

# Steps that a model is built for whose number is still to be found.
_ANY = 1000
# Highest learning rate where a finished run is made longer, as a share of the recipe's, and rows of its log by whose
# speed minutes become steps.
_RESTART, _ROWS = 0.5, 10


def pretrain(recipe, run, console, strategy=None, fitted=None, may_be_longer=False):
    """Trains a CPC model, or goes on where an earlier call stopped.

    Args:
        recipe: A `Recipe`.
        run: Path of the run's folder; workers share it, and the first one writes.
        console: A `rich.console.Console` to report to.
        strategy: A `tf.distribute.Strategy`, such as
            `cpc_keras.backend.distribution.open_strategy` gives; one device if `None`.
        fitted: The `cpc_keras.describing.time_budget.FittedSteps` of a recipe with
            `minutes`, if somebody has measured already.
        may_be_longer: Whether a finished run goes on where the recipe has another length.

    Returns:
        The trained `CPC` model.

    Raises:
        InputError: If the recipe does not fit the images, the folder or the
            replicas; if another process trains in the folder; if the last checkpoint
            cannot be read; or if training cannot go on, since images have vanished, a
            disk is full or the loss is no longer a number. The last good checkpoint
            stays.
        Stopped: If the process was told to end (SIGTERM) and has saved itself, or
            if another worker is gone.
    """
    chief = is_chief(strategy or tf.distribute.get_strategy())
    with owned_folder(run, "--run") if chief else contextlib.nullcontext():
        return fit(prepare(recipe, run, console, strategy, may_be_longer), fitted)


def fit(run, fitted=None):
    """Trains a prepared run, from its last checkpoint on.

    Args:
        run: A `Run`.
        fitted: The `cpc_keras.describing.time_budget.FittedSteps` of a recipe with
            `minutes`, if somebody has measured already.

    Returns:
        The trained `CPC` model.

    Raises:
        InputError: As `pretrain`.
        Stopped: As `pretrain`.
    """
    folder, console = run.folder, run.console
    if fitted and run.recipe.minutes is not None:
        run = dataclasses.replace(run, recipe=fitted.of(run.recipe))
    if run.recipe.minutes is not None and folder.recipe_file.is_file():
        run = dataclasses.replace(run, recipe=_more_steps(run))
    announce(run)
    tracker = run.recipe.tracker if run.chief else None
    with open_tracking(folder, console.print, tracker) as tracking, errors_in_one_line(folder, run.strategy) as watch:
        run = dataclasses.replace(run, images=dataclasses.replace(run.images, read=watch(run.images.read)))
        model = probe = expected = trial = None
        if run.deciding:
            trial = try_jitter(run, fit, lambda short, runs: _fit_to_time(short, runs)[-1])
            if trial:
                run = dataclasses.replace(run, recipe=with_jitter(run.recipe, trial.level))
        too_short = run.deciding is not None and trial is None
        words = jitter_words(run.asked, run.recipe, trial, too_short)
        if words and not folder.recipe_file.is_file():
            console.print(words)
        if run.recipe.minutes is not None:
            model, probe, fitted = _fit_to_time(run)
            run, expected = dataclasses.replace(run, recipe=fitted.of(run.recipe)), fitted.seconds
        made_longer_at = folder.made_longer_at(run.recipe)
        if run.chief:
            measured = fitted and dataclasses.asdict(fitted)
            tried = trial and dataclasses.asdict(trial)
            folder.begin(run.asked, run.recipe, run.images.contents, measured, typical_side(run.sizes), tried)
            if run.images.class_names:
                write_json(folder.classes_file, dict(enumerate(run.images.class_names)))
        start = 0
        if model is None:
            model, start = _model(run.recipe, folder, run.strategy)
        if start >= run.recipe.steps:
            console.print(
                f"{folder.path} is trained: all {run.recipe.steps} steps are done. More of them, as in "
                f"--set steps={2 * run.recipe.steps}, go on from there."
            )
            tracking.describe(run.recipe)
        else:
            if start:
                console.print(f"Resumes after step {start} of {run.recipe.steps}.")
            if made_longer_at:
                _restart(run, model, max((step for step in made_longer_at if step <= start), default=0))
            if run.chief:
                folder.lengthen(run.asked, run.recipe)
            tracking.describe(run.recipe)
            _train(run, model, probe or _probe(run, model), start, tracking, expected)
    if run.chief:
        report_bad_files(run)
        for words in filter(
            None, (longer_run(run.recipe, folder.fitted()), still_falling(folder.metrics(), run.recipe.steps))
        ):
            console.print(words)
    return model


def _restart(run, model, begins_at):
    """Has the learning rate of a run that is made longer begin its course anew; at 0 if what it had done is gone."""
    schedule = model.optimizer.learning_rate_schedule
    if not isinstance(schedule, RunSchedule):
        raise InputError(
            "`--run` must be of this version to be made longer; begin a new one. "
            f"Received: {run.folder.path}, whose learning rate is a {type(schedule).__name__}"
        )
    if not begins_at:
        schedule.restart(0, run.recipe.steps, run.recipe.learning_rate)
        return
    peak = _RESTART * run.recipe.learning_rate
    schedule.restart(begins_at, run.recipe.steps, peak)
    run.console.print(
        f"The run was finished after {begins_at:,} steps and goes on for {run.recipe.steps - begins_at:,}: the "
        f"learning rate rises to {peak:g} once more, {_RESTART:g} of its first peak, and runs its course "
        f"({run.recipe.schedule})."
    )


def _more_steps(run):
    """The recipe of a finished run with as many steps more as fit into its `minutes`, by the speed that its log has."""
    recipe, begins_at = run.recipe, run.folder.made_longer_at(run.recipe)[-1]
    speeds = [row["images_per_second"] for row in run.folder.metrics()[-_ROWS:] if row.get("images_per_second")]
    if not speeds:
        raise InputError(
            "`minutes` needs a metrics.csv with the speed of the run; set the number of steps: --set steps=N. "
            f"Received: minutes={recipe.minutes:g}, {run.folder.metrics_file} without a row"
        )
    room = None if recipe.steps is None else recipe.steps - begins_at
    speed = statistics.median(speeds)
    fitted = fit_steps(dataclasses.replace(recipe, steps=room), 60 * recipe.minutes, recipe.batch_size / speed)
    run.console.print(
        f"{speed:.3g} images/s, as the run's log has it: {fitted.steps:,} more steps in {minutes_text(recipe.minutes)}."
    )
    return dataclasses.replace(recipe, steps=begins_at + fitted.steps, minutes=None)


def _probe(run, model):
    return OnlineProbe(model, run.labelled, run.recipe.crop, run.recipe.seed) if run.labelled else None


def _model(recipe, folder, strategy):
    """`(model, step)` of the last whole checkpoint, or a new model, ready to be trained."""
    with strategy.scope():
        step, kept = load_last_whole(folder)
        model = build_cpc(recipe) if kept is None else kept
    model.log_batches()
    if has_many_workers(strategy):
        model.listen_for_stop()
    if kept is None:
        return model, 0
    model.jit_compile = compiles_the_step()  # the checkpoint may come from another machine
    updates = int(model.optimizer.iterations.numpy())
    if updates != step // recipe.accumulate:
        raise InputError(
            f"The checkpoint must be of step {step}, as its name says. "
            f"Received: {folder.checkpoint_file(step)} after {updates} updates"
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
    *_, fitted = _fit_to_time(prepared, runs)
    keras.backend.clear_session()
    return fitted


def _fit_to_time(run, runs=1):
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

    batches = run.batches()
    fitted = fit_to_time(recipe, model, batches, save_row, run.began, run.opened, run.console, run.strategy, runs)
    return model, probe, fitted


def _train(run, model, probe, start, tracking, expected=None):
    recipe, folder = run.recipe, run.folder
    callbacks: list[keras.callbacks.Callback] = [StopOnDivergence(folder, start)]
    batch_log = log = None
    if run.chief:
        log = HealthLog(folder, recipe, len(run.images), start, run.console, probe, expected)
        batch_log = BatchLog(folder, start)
        callbacks += [log, batch_log]
    interrupts = Interrupts(log and log.progress.say)
    checkpoints = Checkpoints(folder, recipe, start, interrupts, batch_log, has_many_workers(run.strategy))
    with log or contextlib.nullcontext(), interrupts:
        if start == 0:
            checkpoints.save(model)
        for first, last, length in _stretches(start, recipe.steps, recipe.checkpoint_every):
            begin, start = start, start + (last - first) * length
            with calls_awaited():
                model.fit(
                    run.batches(start_step=begin, steps=start),
                    initial_epoch=first,
                    epochs=last,
                    steps_per_epoch=length,
                    # Checkpoints look at `interrupts`, and save before they end.
                    callbacks=[*callbacks, checkpoints, TrackerLog(tracking)],
                    verbose=0,
                    shuffle=False,
                )
            if interrupts.interrupted:  # in the last step
                raise KeyboardInterrupt


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

"""Checkpoints of a run: written whole, thinned out, made lighter, read back."""

import contextlib
import pathlib
import tempfile
import time

import keras
import numpy as np

from cpc_keras.errors import DivergedError, InputError, first_line
from cpc_keras.optimizers import AveragedAdamW, averages, use_averages
from cpc_keras.storage import keras_files
from cpc_keras.storage.atomic import atomic_write, write_json
from cpc_keras.storage.disk import DiskError
from cpc_keras.storage.reading import note, readable

# Checkpoints at rows of the log that training may go on from, at least: the last one, and one before it, should that
# be broken.
_RESUMABLE = 2


class BrokenCheckpointError(InputError):
    """A checkpoint is cut or garbled, which no other version of Keras would mend."""


def save_checkpoint(model, folder, step, keep, milestones_of=None, unfinished=None):
    """Writes a checkpoint whole under its final name, and removes old ones or makes them lighter.

    Step 0 stays: it is the untrained encoder that evaluation compares with. So
    does the best one, see `RunFolder.best_step`. The state of the optimizer, which
    nothing but further training reads, stays in the last ones alone.

    Args:
        model: A `CPC` model.
        folder: The `RunFolder`.
        step: Step after which this is.
        keep: How many of the last ones are kept; they have the optimizer's state, and so
            has one more if it is one alone.
        milestones_of: Steps between checkpoints, if the first, second, fourth,
            eighth … are to stay, for learning dynamics; `None` keeps none.
        unfinished: Values of the metrics, if the step lies between two rows of
            `metrics.csv`; see `metric_values`.

    Raises:
        OSError: If the checkpoint cannot be written; then nothing is left of it.
    """
    try:
        if unfinished is not None:
            write_json(folder.unfinished_file(step), unfinished)
        with atomic_write(folder.checkpoint_file(step)) as partial:
            model.save(partial)
    except BaseException:
        folder.unfinished_file(step).unlink(missing_ok=True)
        raise
    _thin_out(folder, step, keep, milestones_of)
    _lighten(model, folder, step, max(keep, _RESUMABLE))


def _lighten(model, folder, step, resumable):
    """Takes the optimizer's state out of all but the last checkpoints; that of step 0 is nothing but zeros."""
    optimizer = model.optimizer
    if not isinstance(optimizer, AveragedAdamW):
        return
    left_out = [f"optimizer/vars/{place}" for place in optimizer.training_state()]

    def lighten(path):
        if left_out and keras_files.is_complete(path):
            with atomic_write(path) as partial:
                keras_files.copy_without(path, partial, left_out)
        return True

    rows = [old for old in folder.checkpoint_steps() if old <= step and not folder.unfinished_file(old).exists()]
    for old in rows:
        if old == 0 or old not in rows[-resumable:]:
            with contextlib.suppress(DiskError):  # where there is no room for a copy, it stays as it is
                readable(folder.checkpoint_file(old), lighten)


def _thin_out(folder, step, keep, milestones_of):
    """Removes all but the last, the best and the milestones; what was saved between two rows served to resume."""
    steps = [old for old in folder.checkpoint_steps() if old]
    between = [old for old in steps if folder.unfinished_file(old).exists()]
    best = folder.best_step()
    stay = {
        step,
        *[old for old in steps if old <= step and old not in between][-keep:],
        *(old for old in steps if old == best or _is_milestone(old, milestones_of)),
    }
    for old in steps:
        if old not in stay:
            folder.checkpoint_file(old).unlink()
            folder.unfinished_file(old).unlink(missing_ok=True)


def _is_milestone(step, every):
    return every and step % every == 0 and (step // every).bit_count() == 1


def take_part_in_saving(model):
    """What the other workers do while the first one saves: some values are had from all of them."""
    with tempfile.TemporaryDirectory() as place:
        model.save(pathlib.Path(place) / "dropped.keras")


def seconds_to_save(model, folder):
    """Seconds that a checkpoint of a model takes where a run's folder is, or will be."""
    parent = next(path for path in (folder.path.absolute(), *folder.path.absolute().parents) if path.is_dir())
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=parent) as place:
        model.save(pathlib.Path(place) / "dropped.keras")
    return time.monotonic() - began


def check_finite(model, folder, step):
    """Raises `DivergedError` if training has gone astray."""
    for weight in [*model.trainable_weights, *(averages(model) or ())]:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise DivergedError(
                "`learning_rate` must leave all weights finite; try a lower one or precision='float32' in a new run. "
                f"Received: {weight.path} is not, after step {step}; the last good checkpoint is {last_good(folder)}"
            )


def last_good(folder):
    """The file of a run's last checkpoint, for a message."""
    last = folder.last_checkpoint()
    return last[1] if last else "none"


def metric_values(model):
    """Values of all of a model's metrics, as JSON keeps them."""
    return [[keras.ops.convert_to_numpy(one).tolist() for one in metric.variables] for metric in model.metrics]


def set_metric_values(model, values):
    """Has a model's metrics go on from `metric_values`; raises an error if these are of others."""
    variables = [variable for metric in model.metrics for variable in metric.variables]
    kept = [np.array(one, "float64") for metric in values for one in metric]
    if not all(one.shape == each.shape and np.isfinite(one).all() for one, each in zip(kept, variables, strict=True)):
        raise ValueError("it is of other metrics")
    for variable, value in zip(variables, kept, strict=True):
        variable.assign(value)


def load_model(path):
    """Loads a CPC model from a `.keras` file.

    Raises:
        BrokenCheckpointError: If the file is not whole.
        InputError: If it is whole, and cannot be read by this version of Keras, or is
            of another model.
    """
    import cpc_keras.models
    import cpc_keras.optimizers  # both register their classes

    try:
        model = keras.models.load_model(path)
    except Exception as error:  # a damaged archive fails anywhere below
        raise _refusal(path, error) from error
    if not isinstance(model, cpc_keras.models.CPC):
        raise InputError(f"The checkpoint must be of a CPC model. Received: {path} of a {type(model).__name__}")
    return model


def _refusal(path, error):
    """Why a checkpoint cannot be loaded."""
    try:
        broken = keras_files.damage(path)
    except OSError as denied:
        return InputError(f"The checkpoint must be a file that can be read. Received: {path} ({denied.strerror})")
    if broken:
        return BrokenCheckpointError(f"The checkpoint must be a whole .keras file. Received: {path} ({broken})")
    return InputError(
        "The checkpoint must be one that the installed Keras can read. "
        f"Received: {path}, {keras_files.versions(path)} ({first_line(error)})"
    )


def load_trained(path):
    """The model of a checkpoint with averaged weights, where its optimizer keeps them.

    Raises:
        InputError: As `load_model`.
    """
    model = load_model(path)
    use_averages(model)
    return model


def load_last_whole(folder):
    """`(step, model)` of the last checkpoint that training may go on from, as `load_model` gives it.

    Those after it are broken, which is said; training computes them again. Without any,
    `(0, None)`: training begins anew, as it does from step 0, where nothing is trained.

    Raises:
        InputError: As `load_model`, unless a checkpoint is broken.
    """
    for step in reversed(folder.checkpoint_steps()):
        path = folder.checkpoint_file(step)
        if not keras_files.is_complete(path):
            if step:
                note(f"{path} is kept for evaluation, without the optimizer's state; training cannot go on from it.")
            continue
        try:
            return step, load_model(path)
        except BrokenCheckpointError as error:
            note(f"{error}; it counts as missing.")
    return 0, None


def load_last_model(folder):
    """`(step, model)` of a run's last checkpoint, as `load_trained` gives it.

    Raises:
        InputError: If there is none, or as `load_model`.
    """
    last = folder.last_checkpoint()
    if last is None:
        raise InputError(f"`RUN` must have a checkpoint. Received: {folder.path} without one")
    try:
        return last[0], load_trained(last[1])
    except BrokenCheckpointError as error:
        raise InputError(f"{error}; {_way_out(folder, last[0])}") from error


def _way_out(folder, broken):
    """What can be done where the last checkpoint is broken."""
    before = [step for step in reversed(folder.checkpoint_steps()) if step < broken]
    whole = [step for step in before if _is_whole(folder.checkpoint_file(step))]
    resumable = [step for step in whole if keras_files.is_complete(folder.checkpoint_file(step))]
    goes_on = f"goes on from step {resumable[0]}" if resumable else "begins anew"
    taken = "" if not whole else "that step" if resumable[:1] == whole[:1] else f"step {whole[0]}"
    without = f"; without the file, {taken} is taken" if taken else ""
    return f"the same `cpc-keras pretrain` as before {goes_on}{without}"


def _is_whole(path):
    try:
        return keras_files.damage(path) is None
    except OSError:
        return False

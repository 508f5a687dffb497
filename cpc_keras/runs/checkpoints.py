"""Checkpoints of a run: written whole, thinned out, read back."""

import pathlib
import tempfile
import time

import keras
import numpy as np

from cpc_keras.errors import DivergedError, InputError, first_line
from cpc_keras.optimizers import averages, use_averages
from cpc_keras.storage.atomic import atomic_write, write_json


def save_checkpoint(model, folder, step, keep, milestones_of=None, unfinished=None):
    """Writes a checkpoint whole under its final name and removes old ones.

    Step 0 stays: it is the untrained encoder that evaluation compares with. So
    does the best one, see `RunFolder.best_step`.

    Args:
        model: A `CPC` model.
        folder: The `RunFolder`.
        step: Step after which this is.
        keep: How many of the last ones are kept.
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


def _thin_out(folder, step, keep, milestones_of):
    """Removes all but the last, the best and the milestones; what was saved between two rows served to resume."""
    steps = [old for old in folder.checkpoint_steps() if old]
    between = [old for old in steps if folder.unfinished_file(old).exists()]
    best = folder.best_step()
    stay = {
        step,
        *[old for old in steps if old not in between][-keep:],
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
    """Has a model's metrics go on from `metric_values`."""
    for metric, kept in zip(model.metrics, values, strict=True):
        for variable, value in zip(metric.variables, kept, strict=True):
            variable.assign(value)


def load_model(path):
    """Loads a CPC model from a `.keras` file.

    Raises:
        InputError: If the file is damaged.
    """
    import cpc_keras.models
    import cpc_keras.optimizers  # noqa: F401  (both register their classes)

    try:
        return keras.models.load_model(path)
    except Exception as error:  # a damaged archive fails anywhere below
        reason = first_line(error)
        raise InputError(
            f"The checkpoint must be a whole .keras file; delete it to go on from the one before. "
            f"Received: {path} ({reason})"
        ) from error


def load_trained(path):
    """The model of a checkpoint with averaged weights, where its optimizer keeps them.

    Raises:
        InputError: If the file is damaged.
    """
    model = load_model(path)
    use_averages(model)
    return model


def load_last_model(folder):
    """`(step, model)` of a run's last checkpoint, as `load_trained` gives it.

    Raises:
        InputError: If there is none, or it is damaged.
    """
    last = folder.last_checkpoint()
    if last is None:
        raise InputError(f"`RUN` must have a checkpoint. Received: {folder.path} without one")
    return last[0], load_trained(last[1])

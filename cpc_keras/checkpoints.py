"""Checkpoints of a run: written whole, thinned out, read back."""

import os

import keras

from cpc_keras.errors import InputError
from cpc_keras.optimizers import use_averages


def save_checkpoint(model, folder, step, keep, milestones_of=None):
    """Writes a checkpoint whole under its final name and removes old ones.

    Step 0 stays: it is the untrained encoder that evaluation compares with.

    Args:
        model: A `CPC` model.
        folder: The `RunFolder`.
        step: Step after which this is.
        keep: How many of the last ones are kept.
        milestones_of: Steps between checkpoints, if the first, second, fourth,
            eighth … are to stay, for learning dynamics; `None` keeps none.
    """
    partial = folder.checkpoints / ".partial.keras"
    model.save(partial)
    with open(partial, "rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, folder.checkpoint_file(step))
    for old in [old for old in folder.checkpoint_steps() if old][:-keep]:
        if not (milestones_of and old % milestones_of == 0 and _is_power_of_two(old // milestones_of)):
            folder.checkpoint_file(old).unlink()


def _is_power_of_two(number):
    return number.bit_count() == 1


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
        reason = (str(error).splitlines() or [type(error).__name__])[0]
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

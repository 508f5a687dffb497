"""What was saved or exported, loaded by its path."""

import pathlib

import keras

from cpc_keras.errors import InputError, first_line
from cpc_keras.export.index import DESCRIPTION
from cpc_keras.runs.checkpoints import load_last_model
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage import keras_files


def load(path):
    """Loads whatever this package has saved.

    Args:
        path: A `.keras` file (a checkpoint, an encoder, a classifier, a detector), the
            folder of a run, or the folder of an export.

    Returns:
        Of a file, the `keras.Model` that was saved. Of a run, the `CPC` model of its last
        checkpoint, with averaged weights where its optimizer keeps them: the one that
        `cpc-keras evaluate` and `export` use. Of an export, what
        `tf.saved_model.load` gives; it can be called with images.

    Raises:
        InputError: If it is none of these, or cannot be read.

    Example:

    >>> import pathlib, tempfile
    >>> import cpc_keras
    >>> encoder = cpc_keras.models.ResNet((8,), (1,), stem="small", input_shape=(None, None, 1))
    >>> file = pathlib.Path(tempfile.mkdtemp(), "encoder.keras")
    >>> encoder.save(file)
    >>> cpc_keras.load(file).output_shape
    (None, None, None, 8)
    """
    path = pathlib.Path(path).expanduser()
    folder = RunFolder(path)
    if folder.recipe_file.is_file():
        return load_last_model(folder)[1]
    if (path / DESCRIPTION).is_file():
        from cpc_keras.export.artefact import open_artefact  # needs TensorFlow, which the rest does not

        return open_artefact(path).program
    if path.suffix != ".keras" or not path.is_file():
        raise InputError(f"`path` must be a .keras file, or the folder of a run or an export. Received: {path}")
    try:
        return keras.models.load_model(path)
    except Exception as error:  # whatever stands in the file
        raise InputError(_refusal(path, error)) from error


def _refusal(path, error):
    """Why a file cannot be loaded."""
    try:
        broken = keras_files.damage(path)
    except OSError as denied:
        return f"`path` must be a file that can be read. Received: {path} ({denied.strerror})"
    if broken:
        return f"`path` must be a whole .keras file. Received: {path} ({broken})"
    return (
        f"`path` must be a .keras file that this Keras, {keras.__version__}, can read. "
        f"Received: {path} ({first_line(error)})"
    )

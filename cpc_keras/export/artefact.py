"""An exported encoder on the disk, and what it says of itself."""

import dataclasses
import pathlib

import tensorflow as tf

from cpc_keras.errors import InputError, first_line
from cpc_keras.export.index import DESCRIPTION, describe_artefact
from cpc_keras.storage import digests
from cpc_keras.storage.plain_paths import plain_path
from cpc_keras.storage.reading import check_kinds


@dataclasses.dataclass
class Artefact:
    """A SavedModel that `save` wrote, loaded.

    Attributes:
        path: Its folder.
        description: What its `model.json` holds.
    """

    path: pathlib.Path
    description: dict

    def __post_init__(self):
        with plain_path(self.path) as plain:
            self._loaded = tf.saved_model.load(plain)
        self._compute = {name: function for name, function in self._loaded.signatures.items() if _takes_crops(function)}

    @property
    def program(self):
        """What `tf.saved_model.load` gives: vectors of features, if it is called with images."""
        return self._loaded

    @property
    def signatures(self):
        """Names of what it computes of crops that are prepared, sorted."""
        return sorted(self._compute)

    @property
    def digest(self):
        """Names its graph and variables."""
        return digests.of_saved_model(self.path)

    @property
    def class_names(self):
        """Names of the classes of `classify`, in its order.

        Raises:
            InputError: If its description names others.
        """
        names = (self.description.get("head") or {}).get("class_names", ())
        if len(names) != self.shapes("classify")["probabilities"][-1]:
            raise InputError(
                f"`MODEL` must name each of its classes. Received: {self.path}, whose {DESCRIPTION} names {len(names)}"
            )
        return names

    def shapes(self, signature):
        """Shape of each array that a signature gives for each image, `None` where it is open.

        Raises:
            InputError: If the artefact has no such signature.
        """
        if signature not in self._compute:
            raise InputError(f"`--signature` must be one of {', '.join(self.signatures)}. Received: {signature}")
        outputs = self._compute[signature].structured_outputs
        return {name: tuple(spec.shape) for name, spec in outputs.items() if spec.dtype.is_floating}

    def function(self, signature):
        """Function from crops, float32 `[B, crop, crop, C]`, to a dictionary of arrays `[B, …]`, by a signature.

        Raises:
            InputError: As `shapes`.
        """
        names = self.shapes(signature)
        compute = self._compute[signature]

        def give(crops):
            found = compute(tf.convert_to_tensor(crops))
            return {name: found[name].numpy() for name in names}

        return give


def _takes_crops(function):
    return [spec.dtype for spec in function.structured_input_signature[1].values()] == [tf.float32]


def open_artefact(path):
    """Loads an artefact.

    A SavedModel is a program: load what you trust. No pickles are involved, and
    nothing but TensorFlow operations runs.

    Raises:
        InputError: If the folder is no artefact of this package, or is damaged.
    """
    path = pathlib.Path(path)
    description = describe_artefact(path)
    try:
        check_kinds(description["input"], crop=int, channels=int, short_side=int | None)
    except ValueError as error:
        raise InputError(
            f"`MODEL` must be an exported encoder. Received: {path}, of whose input {DESCRIPTION} does not say all "
            f"({error})"
        ) from error
    try:
        return Artefact(path, description)
    except (OSError, ValueError, tf.errors.OpError) as error:
        reason = first_line(error)
        raise InputError(f"`MODEL` must be a whole SavedModel. Received: {path} ({reason})") from error

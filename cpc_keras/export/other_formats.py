"""The encoder as one file for a runtime other than TensorFlow."""

import pathlib
import warnings

import keras

from cpc_keras.errors import InputError
from cpc_keras.export.image_features import NetworkHead
from cpc_keras.export.saved_model import exported_features
from cpc_keras.extras import check_installed
from cpc_keras.storage.outputs import atomic_output, check_replaceable
from cpc_keras.storage.plain_paths import plain_path

# Ending of the file, and what must be installed, by format.
FORMATS = {"onnx": (".onnx", ("tf2onnx", "onnx")), "litert": (".tflite", ())}


def convert(model, dest, kind, head=None):
    """Exports a CPC model's encoder through one of Keras' own exporters.

    The file takes `images`, float32 `[B, H, W, C]` in `[0, 1]`, of any number
    and size, in the encoder's own number of channels, as they are: resizing and
    cropping, which `classify` of a SavedModel does, is left to the caller, for these
    formats neither decode files nor multiply by sparse matrices of integers. It gives
    `feature_vector` `[B, D]`, the mean over the patch grid, and with a head
    `probabilities` `[B, classes]`. With a `NetworkHead`, images have the size of its crops.

    Args:
        model: A `CPC` model.
        dest: File to write, with the ending of its format; replaced if it is
            there.
        kind: `"onnx"` or `"litert"`.
        head: A `LinearHead`, a `NetworkHead`, or `None`.

    Returns:
        The path.

    Raises:
        InputError: If `dest` has another ending or cannot be written, or if what
            the format needs is not installed.
    """
    dest = pathlib.Path(dest)
    check_convertible(dest, kind)
    outputs = Outputs(exported_features(model, head))
    sides, least = (None, None), 2 * (model.patch_size,)
    if isinstance(head, NetworkHead):
        sides = least = head.network.input_shape[1:3]
    images = keras.InputSpec("float32", (None, *sides, outputs.features.channels), name="images")
    outputs(keras.ops.zeros((1, *least, outputs.features.channels)))  # Keras exports what was called
    with atomic_output(dest) as partial, plain_path(partial) as plain, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras 3.15 asks NumPy for a name that is gone
        outputs.export(plain, format=kind, input_signature=[images], verbose=False)
    return dest


def check_convertible(dest, kind):
    """Raises `InputError` if `convert` could not write `dest`, as far as can be told beforehand."""
    ending, packages = FORMATS[kind]
    if dest.suffix != ending:
        raise InputError(f"`DEST` must end in {ending} for --format {kind}. Received: {dest}")
    check_installed(packages, kind, f"--format {kind}")
    check_replaceable(dest)


class Outputs(keras.Model):
    """All that the file gives, by name."""

    def __init__(self, features):
        super().__init__()
        self.features = features

    def call(self, images):
        found = {"feature_vector": self.features(images)}
        if self.features.head is not None:
            found["probabilities"] = self.features.probabilities(images)
        return found

"""A detector as a SavedModel that needs no `cpc_keras`."""

import pathlib

import numpy as np
import tensorflow as tf

from cpc_keras.export.float32 import in_float32
from cpc_keras.export.model_card import class_list, python_text
from cpc_keras.export.saved_model import MARKS, versions, write_program, write_words
from cpc_keras.storage import digests
from cpc_keras.storage.names import written
from cpc_keras.storage.outputs import atomic_output
from cpc_keras.tables import Markdown, Table, as_markdown


def save_detector(detector, dest, class_names, description=None):
    """Exports a detector.

    The artefact's `serving_default` takes `images`, float32 `[B, H, W, C]` in `[0, 1]`
    of any size, and returns the detections of each image, the best first: `boxes`
    `[B, D, 4]`, left, top, right and bottom in pixels; `scores` `[B, D]` in `[0, 1]`;
    `classes` `[B, D]`, -1 where there are no more; `class_names` `[B, D]`; `count`
    `[B]`. It computes in float32 whatever precision the detector was trained in.

    Beside the SavedModel lie `model.json` and a model card, `README.md`.

    Args:
        detector: A `keras.Model` that gives such a dictionary, but for the names.
        dest: Folder to write. An older export there is replaced.
        class_names: Names by class; bytes that are no UTF-8 are escaped in them.
        description: Further entries of `model.json`, as a dictionary.

    Returns:
        The path.

    Raises:
        InputError: If `dest` cannot be written, or holds anything but an export.
    """
    dest, class_names = pathlib.Path(dest), [written(name) for name in class_names]
    with atomic_output(dest, MARKS) as partial:
        copy = in_float32(detector)
        channels = copy.backbone.input_shape[-1]
        names = tf.constant([*class_names, ""])  # the last one is that of no detection

        @tf.function(autograph=False, input_signature=[tf.TensorSpec((None, None, None, channels), name="images")])
        def find(images):
            found = copy(images, training=False)
            return {**found, "class_names": tf.gather(names, found["classes"] % len(names))}

        artefact = tf.train.Checkpoint()
        artefact.detector_variables = [weight.value for weight in copy.weights]
        artefact.names = names
        artefact.__call__ = find
        write_program(artefact, {"serving_default": find}, partial)
        outputs = find.get_concrete_function().structured_outputs
        told = {
            "name": dest.name,
            "kind": "detector",
            "weights": int(sum(np.prod(weight.shape) for weight in copy.weights)),
            "versions": versions(),
            **(description or {}),
            "class_names": class_names,
            "input": {"channels": channels, **(description or {}).get("input", {})},
            "signatures": {
                "serving_default": {"outputs": {name: spec.shape.as_list() for name, spec in outputs.items()}}
            },
            "sha256": digests.of_variables(partial),
        }
        write_words(told, detector_card(told), partial)
    return dest


def detector_card(told):
    """Text of a detector's `README.md`, from what its `model.json` holds."""
    channels, given = told["input"]["channels"], told["input"]
    rows = {
        "input": f"float32 `[B, H, W, {channels}]`, values in [0, 1], any height and width",
        "trained on": given.get("trained_on", "not stated"),
        "stands on": told.get("encoder", "a Keras model"),
        "figure": told.get("figure", "not stated"),
        "classes": class_list(told["class_names"]),
        "weights": f"{told['weights']:,}",
        "versions": ", ".join(f"{name} {version}" for name, version in told["versions"].items()),
        "SHA-256 of the variables": f"`{told['sha256']}`",
    }
    table = Table(("", ""), left=(0, 1))
    for name, value in rows.items():
        table.add(name, Markdown(value))
    return f"""# {as_markdown(told["name"])}: an object detector

Faster R-CNN, by `cpc_keras` {told["versions"]["cpc_keras"]}; needs TensorFlow alone to be used.

{table.markdown()}

```python
import tensorflow as tf

find = tf.saved_model.load({python_text(told["name"])}).signatures["serving_default"]
found = find(images=tf.random.uniform((1, 96, 128, {channels})))
for box, score, name in zip(found["boxes"][0], found["scores"][0], found["class_names"][0]):
    if score > 0.5:
        print(name.numpy().decode(), box.numpy().round(), float(score))
```
"""

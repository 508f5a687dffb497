"""TensorFlow alone: `hub.load`, which is `tf.saved_model.load`.  ARTEFACT INPUTS.npz OUTPUTS.npz"""

import sys

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub

artefact, inputs, outputs = sys.argv[1:]
encoder = hub.load(artefact)
found = {}
with np.load(inputs) as given:
    for name in given.files:
        if name.startswith("images"):
            images = tf.constant(given[name])
            found[f"vector_{name}"] = encoder(images)
            found[f"map_{name}"] = encoder.signatures["feature_map"](images)["feature_map"]
            found[f"grid_{name}"] = encoder.signatures["patch_grid"](images)["patch_grid"]
            if "classify" in encoder.signatures:
                files = tf.stack([tf.io.encode_png(tf.cast(tf.round(65535 * image), tf.uint16)) for image in images])
                found[f"middle_{name}"] = encoder.signatures["classify"](images)["probabilities"]
                found[f"file_{name}"] = encoder.signatures["classify_encoded"](encoded=files)["probabilities"]
np.savez(outputs, **found)

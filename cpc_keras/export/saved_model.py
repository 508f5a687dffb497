"""The frozen encoder as a reusable SavedModel that needs no `cpc_keras`."""

import json
import pathlib
from importlib import metadata

import numpy as np
import tensorflow as tf

from cpc_keras.export.float32 import in_float32
from cpc_keras.export.image_features import ImageFeatures, NetworkHead
from cpc_keras.export.index import DESCRIPTION
from cpc_keras.export.model_card import model_card
from cpc_keras.export.whole_images import FORMS, WholeImages
from cpc_keras.storage import digests
from cpc_keras.storage.outputs import atomic_output
from cpc_keras.storage.plain_paths import plain_path

# Files by which an older export is known.
MARKS = ("saved_model.pb", DESCRIPTION)


def save(model, dest, pooling=None, head=None, description=None):
    """Exports a CPC model's encoder.

    The artefact follows TF Hub's convention for image feature vectors:
    `__call__(images, training=False)` takes float32 `[B, H, W, C]` in `[0, 1]`
    and returns float32 `[B, D]`, the mean over the patch grid. An encoder of
    one channel takes three as well (converted to grey), and the other way
    round. It can be fine-tuned: both values of `training` are traced, and
    `trainable_variables` are listed. It computes in float32 whatever precision
    the model was trained in, with the Polyak average of the weights if the
    model's optimizer keeps one. Signatures, each to a dictionary:

    * `serving_default`: `feature_vector` `[B, D]`;
    * `patch_grid`: `patch_grid` `[B, rows, cols, D]`, of the centre that the
      patches cover;
    * `feature_map`: `feature_map` `[B, h, w, D]`, the encoder without patches;
    * `selected`, if `pooling` is given: `features` `[B, D']`;
    * `features`: `feature_vector` `[B, D]`;
    * `classify`, if `head` is given: `probabilities` `[B, classes]` and
      `class_names` `[B, classes]`, the same for each image (TensorFlow Serving
      wants a row of everything for each).

    The last two take images as people have them, of any size and of one or three
    channels, and prepare them as `cpc-keras predict` does: the short side resized
    (`input.short_side` of the description; without one, sizes are left as they
    are), the middle of `input.crop` pixels cut out (without one, of the size that
    the model was built for). They are there three times: `classify` takes float32 in
    `[0, 1]`, `classify_uint8` uint8, `classify_encoded` strings `[B]`, the bytes of JPEG,
    PNG, GIF or BMP files. Float32 images that have the shape of a crop are taken as
    they are. The others take float32 `[B, H, W, C]` in `[0, 1]` of any size as it is.

    For Keras' `TFSMLayer` there are the endpoints `serve` and `serve_train`, to
    vectors, and `serve_feature_map` and `serve_feature_map_train`, to maps.

    Beside the SavedModel lie `model.json`, which says all that is known of it,
    and a model card, `README.md`.

    Args:
        model: A `CPC` model.
        dest: Folder to write. An older export there is replaced.
        pooling: Function from `(patch_grid, feature_map)` to features.
        head: A `LinearHead`, a classifier on features, or a `NetworkHead`, a whole network.
        description: Further entries of `model.json`, as a dictionary.

    Returns:
        The path.

    Raises:
        InputError: If `dest` cannot be written, or holds anything but an export.
    """
    dest = pathlib.Path(dest)
    with atomic_output(dest, MARKS) as partial:
        features = exported_features(model, head)
        described = description or {}
        given = {**_input(features), **described.get("input", {})}
        signatures = _signatures(features, pooling, given)
        write_program(_artefact(features), signatures, partial)
        told = _describe(features, signatures, partial, dest.name, {**described, "input": given})
        write_words(told, model_card(told), partial)
    return dest


def exported_features(model, head):
    """The `ImageFeatures` of a CPC model and a head, in float32."""
    if isinstance(head, NetworkHead):
        head = NetworkHead(in_float32(head.network), head.class_names)
    return ImageFeatures(in_float32(model), head)


def write_program(artefact, signatures, folder):
    """Writes a SavedModel; a full disk is an `OSError`, as with other files."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with plain_path(folder) as plain:
            tf.saved_model.save(artefact, plain, signatures=signatures)
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


def write_words(told, card, folder):
    """Writes what an artefact says of itself, to programs and to people."""
    (folder / DESCRIPTION).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8", errors="backslashreplace")


def versions():
    """Of the packages that an artefact was made with."""
    return {name: metadata.version(name) for name in ("cpc_keras", "keras", "tensorflow")}


def _artefact(features):
    encoder = features.cpc.encoder

    def vectors(images, training=False):
        return features(_of_a_patch(images, features.cpc.patch_size), training=training)

    artefact = tf.train.Checkpoint()
    artefact.__call__ = tf.function(vectors, autograph=False)
    for accepted in features.accepted:
        for training in (False, True):
            artefact.__call__.get_concrete_function(_spec(accepted), training)
    for name, function in (("serve", vectors), ("serve_feature_map", features.feature_map)):
        for training, ending in ((False, ""), (True, "_train")):
            setattr(artefact, name + ending, _endpoint(function, training, features.accepted))
    artefact.variables = [weight.value for weight in encoder.weights]
    artefact.trainable_variables = [weight.value for weight in encoder.trainable_weights]
    artefact.regularization_losses = []
    if isinstance(features.head, NetworkHead):
        artefact.classifier_variables = [weight.value for weight in features.head.network.weights]
    return artefact


def _signatures(features, pooling, given):
    """Concrete functions by name; what is computed of whole images goes through those of crops."""

    def of_crops(function, least=features.cpc.patch_size):
        def checked(images):
            return function(_of_a_patch(images, least))

        return tf.function(checked, autograph=False, input_signature=[_spec(features.channels)])

    functions = {
        "serving_default": of_crops(lambda images: {"feature_vector": features(images)}),
        "patch_grid": of_crops(lambda images: {"patch_grid": features.patch_grid(images)}),
        "feature_map": of_crops(lambda images: {"feature_map": features.feature_map(images)}, least=1),
    }
    if pooling is not None:
        functions["selected"] = of_crops(lambda images: {"features": features.pooled(images, pooling)})
    whole = WholeImages(features.channels, given["crop"], given["short_side"])
    functions |= whole.signatures("features", functions["serving_default"])
    if features.head is not None:
        names = list(features.head.class_names)
        least = given["crop"] if isinstance(features.head, NetworkHead) else features.cpc.patch_size
        classify = of_crops(
            lambda images: {
                "probabilities": features.probabilities(images),
                "class_names": tf.tile(tf.constant([names]), [tf.shape(images)[0], 1]),
            },
            least,
        )
        functions |= whole.signatures("classify", classify)
    return {name: function.get_concrete_function() for name, function in functions.items()}


def _endpoint(function, training, accepted):
    """A `tf.function` of images alone, traced for each number of channels."""
    endpoint = tf.function(lambda images: function(images, training=training), autograph=False)
    for channels in accepted:
        endpoint.get_concrete_function(_spec(channels))
    return endpoint


def _of_a_patch(images, least):
    """The images, behind an assertion: where no patch fits, the mean over patches would be NaN."""
    smallest = tf.reduce_min(tf.shape(images)[1:3])
    told = f"images must be at least {least} px high and wide"
    with tf.control_dependencies([tf.debugging.assert_greater_equal(smallest, least, message=told)]):
        return tf.identity(images, name="whole_patches")


def _spec(channels):
    return tf.TensorSpec((None, None, None, channels), tf.float32, name="images")


def _input(features):
    """What is known of the images that the encoder was trained on, where nothing else is said."""
    return {
        "channels": features.channels,
        "smallest": features.cpc.patch_size,
        "crop": features.cpc.get_build_config()["input_shape"][1],
        "short_side": None,
    }


def _describe(features, signatures, folder, name, description):
    """What `model.json` holds."""
    cpc = features.cpc
    told = {
        "name": name,
        "patches": {"size": cpc.patch_size, "stride": cpc.stride},
        "weights": int(sum(np.prod(weight.shape) for weight in cpc.encoder.weights)),
        "versions": versions(),
        **description,
        **({"head": {**_of_head(features.head), **description.get("head", {})}} if features.head else {}),
        "signatures": {
            key: {
                "takes": _taken(key),
                "outputs": {output: spec.shape.as_list() for output, spec in function.structured_outputs.items()},
            }
            for key, function in signatures.items()
        },
        "sha256": digests.of_variables(folder),
    }
    return told


def _taken(signature):
    name, separator, form = signature.partition("_")
    return FORMS[separator + form] if name in ("features", "classify") else "crops"


def _of_head(head):
    return {"classes": len(head.class_names), "class_names": list(head.class_names)}

"""The frozen encoder as a reusable SavedModel that needs no `cpc_keras`."""

import json
import os
import pathlib
import shutil

import keras
import numpy as np
import tensorflow as tf

from cpc_keras.errors import InputError
from cpc_keras.layers.transforms.colour import LUMA
from cpc_keras.optimizers import averaged_weights


def save(model, dest, pooling=None, card=None):
    """Exports a CPC model's encoder.

    The artefact follows TF Hub's convention for image feature vectors:
    `__call__(images, training=False)` takes float32 `[B, H, W, C]` in `[0, 1]`
    and returns float32 `[B, D]`, the mean over the patch grid. An encoder of
    one channel takes three as well (converted to grey), and the other way
    round. It can be fine-tuned: both values of `training` are traced, and
    `trainable_variables` are listed. It computes in float32 whatever precision
    the model was trained in, with the Polyak average of the weights if the
    model's optimizer keeps one. Signatures, each from `images` to a dictionary:

    * `serving_default`: `feature_vector` `[B, D]`;
    * `patch_grid`: `patch_grid` `[B, rows, cols, D]`, of the centre that the
      patches cover;
    * `feature_map`: `feature_map` `[B, h, w, D]`, the encoder without patches;
    * `selected`, if `pooling` is given: `features` `[B, D']`.

    Args:
        model: A `CPC` model.
        dest: Folder to write. An older export there is replaced.
        pooling: Function from `(patch_grid, feature_map)` to features.
        card: Function from the written folder to the text of its `README.md`.

    Returns:
        The path.

    Raises:
        InputError: If `dest` cannot be written, or holds anything but an export.
    """
    dest = pathlib.Path(dest)
    partial = dest.with_name(f".{dest.name}.partial")
    if dest.exists() and not (dest / "saved_model.pb").is_file():
        raise InputError(f"`DEST` must be a new folder or an older export. Received: {dest}")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        artefact, signatures = _artefact(_in_float32(model), pooling)
        tf.saved_model.save(artefact, str(partial), signatures=signatures)
        if card is not None:
            (partial / "README.md").write_text(card(partial), encoding="utf-8")
        shutil.rmtree(dest, ignore_errors=True)
        os.replace(partial, dest)
    except (OSError, tf.errors.OpError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"`DEST` must be a folder that can be written to. Received: {dest} ({reason})") from error
    return dest


def _in_float32(model):
    """The same model, computing in float32, with averaged weights where its optimizer keeps them."""
    config = json.dumps(keras.saving.serialize_keras_object(model))
    for narrow in ("mixed_bfloat16", "mixed_float16"):
        config = config.replace(f'"{narrow}"', '"float32"')
    copy = keras.saving.deserialize_keras_object(json.loads(config))
    if not copy.built:
        copy.build(model.get_build_config()["input_shape"])
    with averaged_weights(model):
        copy.set_weights(model.get_weights())
    return copy


def _artefact(model, pooling):
    encoder = model.encoder
    channels = encoder.input_shape[-1]

    def vector(images, training):
        images = _as_channels(images, channels)
        grid = model.encode_patches(model.patch_extractor(_covered(images, model)), training=training)
        return tf.reduce_mean(grid, axis=(1, 2))

    def patch_grid(images):
        return model.encode_patches(model.patch_extractor(_covered(images, model)))

    def feature_map(images):
        return tf.cast(encoder(images, training=False), tf.float32)

    artefact = tf.train.Checkpoint()
    artefact.__call__ = tf.function(lambda images, training=False: vector(images, training), autograph=False)
    for accepted in (1, 3):
        for training in (False, True):
            artefact.__call__.get_concrete_function(_spec(accepted), training)
    artefact.variables = [weight.value for weight in encoder.weights]
    artefact.trainable_variables = [weight.value for weight in encoder.trainable_weights]
    artefact.regularization_losses = []

    def signature(name, function):
        wrapped = tf.function(lambda images: {name: function(images)}, autograph=False)
        return wrapped.get_concrete_function(_spec(channels))

    signatures = {
        "serving_default": signature("feature_vector", lambda images: vector(images, False)),
        "patch_grid": signature("patch_grid", patch_grid),
        "feature_map": signature("feature_map", feature_map),
    }
    if pooling is not None:
        signatures["selected"] = signature("features", lambda images: pooling(patch_grid(images), feature_map(images)))
    return artefact, signatures


def _spec(channels):
    return tf.TensorSpec((None, None, None, channels), tf.float32, name="images")


def _as_channels(images, channels):
    given = images.shape[-1]
    if given == channels:
        return images
    if channels == 1:
        return tf.reduce_sum(images * tf.constant(LUMA), axis=-1, keepdims=True)
    return tf.repeat(images, channels, axis=-1)


def _covered(images, model):
    """The centre of the images that whole patches cover."""
    size = tf.shape(images)[1:3]
    covered = model.patch_size + (size - model.patch_size) // model.stride * model.stride
    top, left = tf.unstack((size - covered) // 2)
    return images[:, top : top + covered[0], left : left + covered[1]]


def parameter_count(model):
    """Number of weights of a model's encoder."""
    return int(sum(np.prod(weight.shape) for weight in model.encoder.weights))

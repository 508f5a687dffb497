"""The label curve of a model, from Python."""

import pathlib
import tempfile

import keras
import pandas as pd

from cpc_keras.data.budgets import Budget
from cpc_keras.data.image_set import as_image_set
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.errors import InputError
from cpc_keras.evaluation.encoders import BASELINES, encoder_of, handmade_encoder, pixels_encoder
from cpc_keras.evaluation.methods import METHODS, STARTS
from cpc_keras.evaluation.networks import estimators, planned_methods
from cpc_keras.evaluation.results import FIELDS, EvaluationStore
from cpc_keras.evaluation.runner import Runner


def label_efficiency(
    model,
    data,
    test=None,
    labels_per_class=(5, 10),
    fractions=(),
    methods=("linear", "knn"),
    seeds=3,
    baselines=("pixels",),
    build_head=None,
    crop=None,
    folder=None,
    seed=0,
    flip=True,
    start="cpc",
):
    """Accuracy of every method at every label budget.

    Everything is chosen inside the labelled subset; the test images give the
    final figures only. Without `test` they are cross-validated over five folds.

    Args:
        model: A built `CPC` model, or any `keras.Model` from `[B, h, w, C]` in
            `[0, 1]` to maps or vectors, which the probes are put on.
        data: `(images, labels)`, arrays `[N, H, W, C]` (uint8, or float in
            `[0, 1]`) and integer `[N]`; or a labelled `ImageSet`.
        test: The same, or `None`.
        labels_per_class: Label budgets a class.
        fractions: Label budgets as shares of all labels.
        methods: Any of `METHODS`. Networks among them need an encoder from images of any size
            to maps.
        seeds: Number of label subsets at each budget.
        baselines: What else the probes are put on: `"pixels"`, `"handmade"`, statistics
            that need no training, or `"untrained"`, the same architecture with new
            weights.
        build_head: What networks put on the encoder's map, such as
            `functools.partial(cpc_keras.models.ClassifierHead, blocks=2, width=256,
            bottleneck=64)`; needed for networks.
        crop: Side of the centre crop in pixels; the shorter side of the smallest
            image if `None`.
        folder: Where features and finished results are kept, so that a second call
            goes on where the first was interrupted; a temporary folder if `None`.
        seed: Seed of the unlabelled sample from which probes take the scale of
            features.
        flip: Whether networks also learn from mirrored images.
        start: Where networks start that learn from unlabelled images, too: one of
            `cpc_keras.evaluation.methods.STARTS`.

    Returns:
        A `pandas.DataFrame`, a row a method, encoder, budget and seed, with the
        columns `cpc_keras.evaluation.results.FIELDS`.

    Raises:
        InputError: If a method or baseline is unknown, labels are too few, or a
            network is asked of an encoder that gives no maps.

    Reference:
        Hénaff et al. 2019, arXiv 1905.09272, Figure 1.

    Example:

    >>> import numpy as np
    >>> images = np.random.default_rng(0).uniform(size=(40, 8, 8, 1)).astype("float32")
    >>> labels = np.arange(40) % 2
    >>> images[labels == 1] *= 0.2
    >>> encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3)])
    >>> table = label_efficiency(encoder, (images, labels), labels_per_class=(4,), methods=("linear",), seeds=1)
    >>> table[["encoder", "labels", "split"]].values.tolist()[0]
    ['pixels', 8, 'cross-validated, 5 folds of all']
    """
    for name, values, known in (
        ("methods", methods, METHODS),
        ("baselines", baselines, BASELINES),
        ("start", (start,), STARTS),
    ):
        if not set(values) <= set(known):
            raise InputError(f"`{name}` must be names out of {', '.join(known)}. Received: {name}={tuple(values)}")
    images = LabelledImages(as_image_set(data), None if test is None else as_image_set(test), seed)
    crop = crop or int(min(part.sizes[:, :2].min() for part in (images.train, images.test_images)))
    own = encoder_of(model)
    rivals = [encoder_of(_untrained(model), "untrained")] if "untrained" in baselines else []
    rivals += [pixels_encoder()] if "pixels" in baselines else []
    rivals += [handmade_encoder()] if "handmade" in baselines else []
    budgets = [Budget("per_class", n) for n in labels_per_class] + [Budget("fraction", f) for f in fractions]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(folder or temporary)
        store = EvaluationStore(folder / "cells" / images.digest[:16])
        runner = Runner(images, budgets, seeds, store)
        for encoder, names in planned_methods(own, methods, rivals, starts=STARTS[start]):
            for estimator in estimators(encoder, names, images, folder / "features", crop, build_head, flip=flip):
                runner.run(estimator)
        return pd.DataFrame([record for record, _ in store.everything()], columns=list(FIELDS))


def _untrained(model):
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    if not copy.built:
        copy.build(model.get_build_config()["input_shape"])
    return copy

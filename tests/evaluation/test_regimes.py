"""Networks that learn from labelled and unlabelled images at once, as rows of an evaluation."""

import dataclasses
import functools

import keras
import numpy as np
import pytest

from cpc_keras.data.budgets import Budget
from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.evaluation.classifier import UNSEARCHED, NetworkClassifier
from cpc_keras.evaluation.encoders import cpc_encoder, from_scratch
from cpc_keras.evaluation.inputs import ImageInputs
from cpc_keras.evaluation.methods import JOINT
from cpc_keras.evaluation.networks import estimators
from cpc_keras.evaluation.regimes import REGIMES
from cpc_keras.evaluation.results import EvaluationStore
from cpc_keras.evaluation.runner import Runner
from cpc_keras.evaluation.unlabelled import UnlabelledImages
from cpc_keras.models import ClassifierHead, ResNet

SETTING = {
    "learning_rate": 1e-2,
    "head": "mean",
    "weight_decay": 1e-3,
    "dropout": 0.5,
    "translation": 0.1,
    "step_multiplier": 1.0,
}
HEAD = functools.partial(ClassifierHead, blocks=1, width=8, bottleneck=4)


@pytest.fixture
def data(photographs):
    """Sky against flower, 28 px: forty to learn from, twenty to be tested on."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    places = rng.integers(0, 380, size=(60, 2))
    pictures = np.stack(
        [
            photographs[label][top : top + 28, left : left + 28]
            for label, (top, left) in zip(labels, places, strict=True)
        ]
    ).astype("uint8")
    return LabelledImages(from_arrays(pictures[:40], labels[:40]), from_arrays(pictures[40:], labels[40:]))


@pytest.fixture(scope="module")
def build():
    """Function from a setting to a network on images."""
    keras.utils.set_random_seed(0)
    encoder = ResNet((8,), (1,), stem="medium", input_shape=(None, None, 3))

    def network(setting):
        pictures = keras.Input((28, 28, 3))
        maps = keras.models.clone_model(encoder)(pictures)
        return keras.Model(pictures, HEAD(maps.shape[1:], 2, setting["head"], dropout=setting["dropout"])(maps))

    return network


def test_each_row_has_its_terms(build):
    model = build(SETTING)
    terms = {
        name: [term.name for term in regime.trainer({**UNSEARCHED, **SETTING}, model, 0).terms]
        for name, regime in REGIMES.items()
    }
    assert tuple(terms) == JOINT
    assert terms == {
        "pseudo_label": ["pseudo_label"],
        "vat": ["vat"],
        "vat_entropy": ["vat", "entropy"],
        "uda": ["uda"],
        "fixmatch": ["fixmatch"],
        "rotation_joint": ["rotation"],
        "exemplar_joint": ["exemplar"],
        "rotation_vat_entropy": ["rotation", "vat", "entropy"],
    }


def test_strengths_are_those_of_the_setting_and_vats_step_grows_with_the_image():
    small, large = (keras.Input((side, side, 1)) for side in (28, 56))
    steps = []
    for pictures, dtype in ((small, "float32"), (large, "float32"), (small, "bfloat16")):
        encoder = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(2, 3, dtype=dtype)])
        head = keras.Sequential([keras.Input((None, None, 2)), keras.layers.GlobalAveragePooling2D()])
        model = keras.Model(pictures, head(encoder(pictures)))
        setting = {**UNSEARCHED, **SETTING, "unlabelled_weight": 0.5, "epsilon": 2.0}
        vat, entropy = REGIMES["vat_entropy"].trainer(setting, model, 0).terms
        assert (vat.weight, entropy.weight) == (0.5, 0.5)
        steps.append((vat.epsilon, vat.xi))
    assert steps == [(2.0, 0.1), (4.0, 0.1), (2.0, 1.0)]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fixmatch", "rotation_vat_entropy"])
def test_same_seed_trains_the_same_whatever_came_before(method, build, data):
    """Heads of terms, strong changes, noise, the ramp and averages begin anew."""
    (split,) = data.splits([Budget("per_class", 4)], 0).popitem()[1]
    inputs = ImageInputs(data.train, 28, data.test, unlabelled_of=UnlabelledImages(data))

    def trained(classifier, seed):
        return classifier.fit(inputs.train(split), SETTING, seed).predict_proba(inputs.test(split))

    one, other = (NetworkClassifier(build, steps=lambda count: 6, regime=REGIMES[method]) for _ in range(2))
    first, second, again = (trained(one, seed) for seed in (1, 2, 1))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, trained(other, 1))
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.slow
def test_a_network_has_the_setting_that_is_found_for_the_same_one_without_unlabelled_images(
    small_cpc, data, tmp_path, monkeypatch
):
    grey = [
        dataclasses.replace(one, read=functools.partial(_grey, one.read), sizes=one.sizes * [1, 1, 0] + [0, 0, 1])
        for one in (data.train, data.test)
    ]
    data = LabelledImages(*grey)
    own, asked = cpc_encoder(small_cpc()), []
    search = NetworkClassifier.search

    def counted(classifier, inputs, progress=None):
        asked.append(classifier.start is None)
        return {**UNSEARCHED, **SETTING, "head": "grid3"}, 9

    monkeypatch.setattr(NetworkClassifier, "search", counted)
    assert search is not counted
    runner = Runner(data, [Budget("per_class", 3)], 1, EvaluationStore(tmp_path / "cells"))
    records = []
    for encoder, methods in ((own, ("finetune", "pseudo_label")), (from_scratch(own), ("supervised", "pseudo_label"))):
        for estimator in estimators(encoder, methods, data, tmp_path, crop=28, build_head=HEAD):
            estimator.classifier.steps = lambda count: 2
            records += runner.run(estimator).values()
    assert asked == [False, True]  # one search from the encoder's weights, one from new ones
    assert [(record["method"], record["encoder"], record["trials"]) for record in records] == [
        ("finetune", "cpc", 9),
        ("pseudo_label", "cpc", 9),
        ("supervised", "scratch", 9),
        ("pseudo_label", "scratch", 9),
    ]
    shares = [record["selected"].pop("shares", None) for record in records]
    assert shares == [None, "free", None, None]  # of the images that the start is told of
    assert len({str(record["selected"]) for record in records}) == 1


def _grey(read, position):
    return read(position).mean(axis=2, keepdims=True).astype("uint8")


def test_what_is_learnt_from_without_labels_has_the_labelled_images_and_none_that_is_tested(data):
    (split,) = data.splits([Budget("per_class", 3)], 0).popitem()[1]
    assert UnlabelledImages(data)(split).ids == data.train.ids  # there is a test split: all training images

    # Cross-validated, and others beside: a copy of each labelled image, as a run's own folder has them.
    train = data.train.subset(np.arange(20))
    pool = from_arrays(np.stack([data.train.read(position) for position in range(30)]))
    crossed = LabelledImages(train, None, pool=pool)
    for split in crossed.splits([Budget("fraction", 1.0)], 0).popitem()[1]:
        found = UnlabelledImages(crossed)(split)
        pixels = [found.read(position).tobytes() for position in range(len(found))]
        assert len(set(pixels)) == len(pixels) == 10 + len(split.train)
        assert {train.read(position).tobytes() for position in split.train} < set(pixels)
        assert not {train.read(position).tobytes() for position in split.test} & set(pixels)

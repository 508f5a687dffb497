import keras
import numpy as np
import pytest

from cpc_keras.data.image_set import ImageSet, from_arrays
from cpc_keras.evaluation import classifier as classifier_module
from cpc_keras.evaluation.classifier import NetworkClassifier, smoothed_crossentropy, usual_steps
from cpc_keras.evaluation.estimators import NetworkEstimator
from cpc_keras.evaluation.feature_store import FeatureStore
from cpc_keras.evaluation.features import AugmentedMaps
from cpc_keras.evaluation.inputs import ImageInputs, MapInputs, class_weights
from cpc_keras.evaluation.probes import LinearProbe
from cpc_keras.evaluation.propagated import PropagatedProbe
from cpc_keras.evaluation.starts import LinearProbeStart, PropagatedStart
from cpc_keras.models import ClassifierHead, ResNet

SPACE = {
    "learning_rate": (1e-6, 1e-2),
    "head": ("mean",),
    "weight_decay": (1e-3,),
    "dropout": (0.0,),
    "translation": (0.125,),
    "step_multiplier": (1.0,),
}
SETTING = {axis: values[-1] for axis, values in SPACE.items()} | {"dropout": 0.5}


@pytest.fixture
def images(photographs):
    """Sky against flower: pieces of two photographs, told apart by a small network."""
    pictures = [photographs[i % 2][10 * (i // 2) : 10 * (i // 2) + 24, 40:64] for i in range(24)]
    sizes = np.tile([24, 24, 3], (24, 1))
    return ImageSet(
        "test", "all", [str(i) for i in range(24)], pictures.__getitem__, sizes, np.arange(24) % 2, ("a", "b")
    )


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    return ResNet((8,), (1,), stem="medium", input_shape=(None, None, 3))


@pytest.fixture(scope="module")
def builder(encoder):
    """Function from a setting to a network on images."""

    def build(setting):
        pictures = keras.Input((24, 24, 3))
        maps = keras.models.clone_model(encoder)(pictures)
        return keras.Model(
            pictures, ClassifierHead(maps.shape[1:], 2, setting["head"], dropout=setting["dropout"])(maps)
        )

    return build


@pytest.fixture(scope="module")
def classifier(builder):
    """A classifier that keeps what one test has traced for the others."""
    return NetworkClassifier(builder, SPACE, steps=lambda count: 25)


@pytest.mark.slow
@pytest.mark.parametrize(("rates", "fits"), [((1e-6, 1e-2), 4), ((1e-2, 1e-6), 3)])
def test_search_finds_the_rate_that_learns_and_gives_up_the_other(rates, fits, classifier, images, monkeypatch):
    monkeypatch.setitem(classifier.space, "learning_rate", rates)
    trained = []
    monkeypatch.setattr(classifier, "steps", lambda count: trained.append(count) or 100)
    setting, trials = classifier.search(ImageInputs(images, 24))
    assert setting == {**SETTING, "dropout": 0.0}
    assert trials == classifier.trials == 2
    assert trained == [12] * fits


class Labels:
    """Inputs without images: what a search asks of them is to be seen."""

    def __init__(self, labels):
        self.labels = labels

    def subset(self, positions):
        return Labels(self.labels[positions])


@pytest.mark.parametrize(
    ("count", "train", "held_out", "share"),
    [(100, 50, 50, 0.25), (600, 400, 200, 0.5), (900, 400, 500, 0.5), (9000, 400, 2000, 0.5)],
)
def test_what_trials_are_trained_and_tested_on(count, train, held_out, share, classifier, monkeypatch):
    seen = []

    def fit(inputs, setting, seed, share):
        seen.append((len(inputs.labels), share))

    def predict(inputs):
        seen.append(len(inputs.labels))
        return np.full((len(inputs.labels), 2), 0.5)

    monkeypatch.setattr(classifier, "fit", fit)
    monkeypatch.setattr(classifier, "predict_proba", predict)
    classifier.search(Labels(np.arange(count) % 2))
    assert seen[:2] == [(train, share), held_out]
    assert set(seen) == set(seen[:2])


def test_another_schedule_is_another_result(monkeypatch):
    def digest():
        return NetworkEstimator("supervised", "scratch", None, None, SPACE, "start", None, 2).digest

    before = digest()
    assert digest() == before
    monkeypatch.setattr(classifier_module, "usual_steps", lambda count, classes: 2 * usual_steps(count, classes))
    assert digest() != before


def test_many_classes_get_more_steps_and_few_the_same():
    def digest(classes):
        return NetworkEstimator("supervised", "scratch", None, None, SPACE, "start", None, classes).digest

    assert digest(2) == digest(10)
    assert digest(26) != digest(10)
    assert [usual_steps(130, classes) for classes in (2, 26, 40, 1000)] == [559, 901, 1117, 1117]


@pytest.mark.slow
def test_same_seed_trains_the_same_whatever_came_before(classifier, images):
    inputs = ImageInputs(images, 24)
    first = classifier.fit(inputs, SETTING, seed=1).predict_proba(inputs)
    other = classifier.fit(inputs, SETTING, seed=2).predict_proba(inputs)
    again = classifier.fit(inputs, SETTING, seed=1).predict_proba(inputs)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    assert (first.argmax(axis=1) == images.labels).mean() > 0.9


def test_fine_tuning_starts_from_the_probe_of_its_labels(images, encoder, monkeypatch):
    pictures = keras.Input((24, 24, 3))
    maps = encoder(pictures)
    model = keras.Model(pictures, ClassifierHead(maps.shape[1:], 2, "mean", dropout=0.5)(maps))
    fitted = []
    fit = LinearProbe.fit
    monkeypatch.setattr(LinearProbe, "fit", lambda probe, *given: fitted.append(probe) or fit(probe, *given))
    start = LinearProbeStart()
    kernel = model.layers[-1].get_layer("predictions").kernel

    def started(inputs):
        kernel.assign(np.zeros(kernel.shape))
        start(model, inputs)
        return np.array(kernel)

    inputs = ImageInputs(images, 24)
    halves = inputs.subset(np.arange(12)), inputs.subset(np.arange(12, 24))
    first, other, again = (started(half) for half in (*halves, inputs.subset(np.arange(12))))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    assert len(fitted) == 2  # the probe of labels that were there before is kept
    pooled = np.asarray(encoder(np.stack([images.read(i) / 255.0 for i in range(12)]))).mean(axis=(1, 2))
    probe = fit(LinearProbe(), {"pooled": pooled}, images.labels[:12])
    np.testing.assert_allclose(first, probe.affine(2)[0], rtol=1e-2, atol=1e-4)


@pytest.mark.slow
def test_networks_are_kept_for_settings_that_come_back_and_not_without_end(builder, images, monkeypatch):
    built = []

    def build(setting):
        built.append(setting["dropout"])
        return builder(setting)

    classifier = NetworkClassifier(build, SPACE, steps=lambda count: 25)
    inputs = ImageInputs(images, 24)

    def trained(dropout):
        return classifier.fit(inputs, {**SETTING, "dropout": dropout}, seed=0, share=0.1).predict_proba(inputs)

    first = trained(0.1)
    monkeypatch.setattr(classifier_module, "_KEPT", 2 * classifier.model_.count_params())
    others = [trained(dropout) for dropout in (0.2, 0.1, 0.3)]  # 0.2 was not used for the longest time
    np.testing.assert_array_equal(others[1], first)
    assert built == [0.1, 0.2, 0.3]
    trained(0.1)
    np.testing.assert_array_equal(trained(0.2), others[0])
    assert built == [0.1, 0.2, 0.3, 0.2]


def test_a_class_of_one_label_leaves_nothing_to_search_with(classifier, images):
    setting, trials = classifier.search(ImageInputs(images.subset([0, 1]), 24))
    assert trials == 1
    assert setting == {axis: values[0] for axis, values in SPACE.items()}


@pytest.mark.slow
def test_a_head_learns_from_frozen_maps(encoder, images, tmp_path):
    before = [np.array(weight) for weight in encoder.weights]
    store = FeatureStore(tmp_path, AugmentedMaps(encoder, copies=3), images, crop=24)
    store.prepare(np.arange(24))
    inputs = MapInputs(labels=images.labels, store=store, positions=np.arange(24))
    shape = store.of([0])["map"].shape[2:]
    classifier = NetworkClassifier(
        lambda setting: ClassifierHead(shape, 2, setting["head"], dropout=setting["dropout"]),
        SPACE,
        steps=lambda count: 40,
    )
    found = classifier.fit(inputs, {**SETTING, "dropout": 0.0}, seed=0).predict_proba(inputs)
    assert (found.argmax(axis=1) == images.labels).mean() > 0.9
    for weight, old in zip(encoder.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_map_inputs_see_every_label_once_an_epoch(encoder, images, tmp_path):
    store = FeatureStore(tmp_path, AugmentedMaps(encoder, copies=2), images, crop=24)
    store.prepare(np.arange(24))
    inputs = MapInputs(labels=np.arange(24), store=store, positions=np.arange(24)).subset(np.arange(0, 24, 2))
    seen = np.concatenate(
        [labels for _, labels, _ in inputs.training_batches(4, 0, 6, translation=0.04).as_numpy_iterator()]
    )
    assert sorted(seen[:12]) == sorted(seen[12:]) == list(range(0, 24, 2))
    assert seen[:12].tolist() != seen[12:].tolist()


@pytest.mark.parametrize(("translation", "pixels"), [(0.04, 1), (0.125, 3)])
def test_images_are_moved_by_the_share_asked_for(translation, pixels):
    white = from_arrays(np.full((4, 24, 24, 1), 255, "uint8"), np.array([0, 0, 1, 1]))
    moved = [batch for batch, *_ in ImageInputs(white, 24).training_batches(4, 0, 20, translation).as_numpy_iterator()]
    rows = (np.concatenate(moved)[..., 0] == 0).all(axis=2).sum(axis=1)  # what moved in from above or below
    assert rows.min() == 0 and rows.max() == pixels


@pytest.mark.parametrize(("flip", "seen"), [(True, {"left", "right"}), (False, {"left"})])
def test_images_are_mirrored_where_that_is_asked_for(flip, seen):
    """A letter that is mirrored may be another one."""
    left = np.zeros((8, 24, 24, 1), "uint8")
    left[:, :, :12] = 255
    inputs = ImageInputs(from_arrays(left, np.arange(8) % 2), 24, flip=flip).subset(np.arange(6))
    images = np.concatenate([batch for batch, *_ in inputs.training_batches(4, 0, 20, 0.0).as_numpy_iterator()])
    assert {"left" if image[12, 0, 0] else "right" for image in images} == seen


def test_rare_classes_weigh_as_much_in_all():
    labels = np.repeat([3, 5, 9], [60, 30, 10])
    weights = class_weights(labels)
    assert weights.mean() == pytest.approx(1.0)
    assert [weights[labels == label].sum() for label in (3, 5, 9)] == pytest.approx([100 / 3] * 3, rel=1e-5)


def test_smoothing_equals_keras_own():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(5), 7).astype("float32")
    labels = np.arange(7) % 5
    peer = keras.losses.CategoricalCrossentropy(label_smoothing=0.1, reduction=None)
    expected = peer(np.eye(5, dtype="float32")[labels], probabilities)
    np.testing.assert_allclose(smoothed_crossentropy(labels, probabilities), expected, rtol=1e-5)


@pytest.mark.parametrize("shares", ["free", "equal"])
def test_what_learns_from_unlabelled_images_starts_from_propagated_labels(images, encoder, shares):
    """The layer of `PropagatedProbe` on the head's own features; of each image without label it says what it says."""
    pictures = keras.Input((24, 24, 3))
    maps = encoder(pictures)
    model = keras.Model(pictures, ClassifierHead(maps.shape[1:], 2, "mean")(maps))
    inputs = ImageInputs(images.subset(np.arange(4)), 24, unlabelled=images, class_shares=shares)
    PropagatedStart()(model, inputs)
    pooled = np.asarray(encoder(np.stack([images.read(i) / 255.0 for i in range(24)]))).mean(axis=(1, 2))
    probe = PropagatedProbe(shares=shares).fit({"pooled": pooled[:4]}, images.labels[:4], {"pooled": pooled[4:]})
    np.testing.assert_allclose(inputs.targets, probe.predict_proba({"pooled": pooled}), atol=1e-3)
    said = model.predict(np.stack([images.read(i) / 255.0 for i in range(24)]), verbose=0)
    np.testing.assert_allclose(said, inputs.targets, atol=1e-4)
    batch = next(iter(inputs.unlabelled_batches(5, 0, 1, 0.0, is_taught=True)))
    assert [part.shape for part in batch] == [(5, 24, 24, 3), (5, 2)]

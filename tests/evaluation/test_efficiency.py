import keras
import numpy as np
import pytest

from cpc_keras.errors import InputError
from cpc_keras.evaluation import label_efficiency
from cpc_keras.evaluation.cells import FIELDS
from cpc_keras.evaluation.entrants import HeadSize, foreign_entrant


@pytest.fixture
def labelled(photographs):
    """Grey pieces of 28 px, sky 0 and flower 1."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    corners = rng.integers(0, 390, (60, 2))
    pictures = [photographs[label][y : y + 28, x : x + 28] for label, (y, x) in zip(labels, corners, strict=True)]
    return np.stack(pictures).mean(axis=3, keepdims=True).astype("uint8"), labels


@pytest.mark.slow
def test_every_regime_of_a_cpc_model(small_cpc, labelled):
    model = small_cpc()
    model.build((None, 28, 28, 1))
    images, labels = labelled
    table = label_efficiency(
        model,
        (images[:40], labels[:40]),
        (images[40:], labels[40:]),
        labels_per_class=(4,),
        methods=("linear", "linear_v1", "linear_v2", "knn", "resnet", "finetune", "supervised"),
        seeds=2,
        baselines=("untrained", "pixels"),
        head=HeadSize(1, 16, 4),
    )
    assert tuple(table.columns) == FIELDS
    found = table.groupby(["encoder", "method"]).size().to_dict()
    probes = ("linear", "linear_v1", "linear_v2", "knn")
    expected = {("cpc", method): 2 for method in (*probes, "resnet", "finetune")}
    expected |= {("untrained", method): 2 for method in probes}
    expected |= {("pixels", method): 2 for method in ("linear", "knn")} | {("scratch", "supervised"): 2}
    assert found == expected
    trials = table.groupby("method")["trials"].first()
    assert trials["finetune"] == trials["supervised"] == 8  # the same search for the baseline
    assert table["top1"].between(0, 1).all()
    assert set(table[table["method"] == "linear_v2"]["selected"].map(lambda chosen: chosen["view"])) == {"locations"}


def test_a_keras_encoder_without_a_test_split_goes_on_where_it_was(labelled, tmp_path):
    encoder = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(4, 5, strides=3)], name="conv")
    arguments = {"methods": ("linear",), "labels_per_class": (5,), "seeds": 1, "folder": tmp_path}
    table = label_efficiency(encoder, labelled, **arguments)
    assert table["encoder"].tolist() == ["pixels", "conv"]
    assert table["split"].unique().tolist() == ["cross-validated, 5 folds of all"]
    again = label_efficiency(encoder, labelled, **arguments)
    assert again.equals(table)  # `seconds` too: nothing was computed


def test_refusals(labelled):
    with pytest.raises(InputError, match=r"`methods` must be names out of .*Received: methods=\('magic',\)"):
        label_efficiency(None, labelled, methods=("magic",))
    with pytest.raises(InputError, match=r"`images` must be \[N, H, W, C\].*Received: shape \(2, 3\)"):
        label_efficiency(None, (np.zeros((2, 3)), [0, 1]))
    with pytest.raises(InputError, match="`labels` must be 60 integers from 0 on. Received: float64"):
        label_efficiency(None, (labelled[0], labelled[1] / 2))


@pytest.mark.slow
def test_encoders_from_files(labelled, tmp_path):
    """A Keras application with random weights, as a .keras file and as a SavedModel."""
    images = np.repeat(labelled[0][:4], 3, axis=-1) / 255.0
    network = keras.applications.MobileNetV3Small(
        weights=None, include_top=False, pooling="avg", input_shape=(64, 64, 3)
    )
    network.save(tmp_path / "mobile.keras")
    of_file = foreign_entrant(tmp_path / "mobile.keras", value_range=(0.0, 255.0))
    assert of_file.name == "mobile"
    assert of_file.views(images.astype("float32"))["vector"].shape == (4, 576)
    with pytest.raises(InputError, match="`--encoder` must be a .keras file or the folder of a SavedModel"):
        foreign_entrant(tmp_path / "nothing.keras")
    with pytest.raises(InputError, match="`--encoder` must be a .keras file or the folder of a SavedModel"):
        foreign_entrant(tmp_path)

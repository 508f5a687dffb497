"""Names in pictures are text, whatever they are, and pictures stay as large as they are."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

from cpc_keras import plots
from cpc_keras.plots import canvas, maps
from cpc_keras.plots.lettering import lettered
from cpc_keras.storage.names import written
from tests.wild_names import NAMES

# What cannot be written is written with escapes before it comes into a table.
ENCODERS = tuple(map(written, NAMES))

RATES = {"mean": 0.5, "lowest": 0.4, "highest": 0.6}


@pytest.fixture
def texts(monkeypatch):
    """Every text of the pictures that are drawn, as it was drawn."""
    drawn = []

    def close(figure):
        drawn.extend(text.get_text() for text in figure.findobj(Text))
        assert not any(text.get_parse_math() or text.get_usetex() for text in figure.findobj(Text))

    monkeypatch.setattr(canvas.plt, "close", close)
    yield drawn
    monkeypatch.undo()
    plt.close("all")


def size(file):
    with Image.open(file) as image:
        return image.size


def summary(encoders):
    rows = [
        {"method": "linear", "encoder": encoder, "labels": labels, "selection": "", **RATES}
        for encoder in encoders
        for labels in (10, 50)
    ]
    return pd.DataFrame(rows)


def test_names_of_classes_are_drawn_as_they_are(texts, tmp_path):
    counts = np.eye(len(NAMES), dtype=int)
    plots.confusion([("CPC, linear, 24 labels", counts)] * 2, NAMES, tmp_path / "confusion.png")
    labels = np.arange(len(NAMES))
    plots.embedding_map(np.random.default_rng(0).normal(size=(len(NAMES), 2)), labels, NAMES, tmp_path / "map.png")
    image = np.zeros((8, 8, 3), "float32")
    plots.neighbour_grid([[(image, name)] * 3 for name in NAMES], tmp_path / "neighbours.png")
    plots.mistake_grid([(image, "1. 99.0 %", name, name) for name in NAMES], tmp_path / "mistakes.png")
    for name in NAMES:
        assert {f"is {lettered(name, 20)}", f"said {lettered(name, 20)}"} <= set(texts)
        assert texts.count(lettered(name, 24)) >= 5, (name, texts)
        assert texts.count(lettered(name, 16)) >= 3
    for file in tmp_path.iterdir():
        assert max(size(file)) < 3000


def test_names_of_encoders_and_backbones_are_drawn_as_they_are(texts, tmp_path):
    plots.label_curve(summary(ENCODERS), [], tmp_path / "curve.png")
    backbones = summary(ENCODERS).rename(columns={"encoder": "backbone", "labels": "fraction"})
    backbones["fraction"] /= 100
    plots.detection_curve(backbones, str, tmp_path / "detection.png")
    image, box = np.zeros((8, 8, 3), "float32"), np.array([[1, 1, 4, 4]])
    for kind, name in enumerate(NAMES):
        found = {"boxes": box, "scores": np.array([0.9]), "classes": np.array([kind])}
        rows = [(f"{name}, mAP 50.0 %", [(image, found, np.array([True]), box)])] * 2
        plots.found_boxes(rows, NAMES, tmp_path / "boxes.png")
        assert f"{lettered(name, 20)} 90%" in texts
    for name in ENCODERS:
        assert lettered(name) in texts
        assert lettered(f"{name}, linear probe", 60) in texts


@pytest.mark.parametrize("length", [3, 300])
def test_pictures_of_500_classes_are_no_larger_than_others(length, tmp_path):
    names = [f"{'n' * length}{index}" for index in range(500)]
    plots.confusion([("linear", np.eye(500))] * 2, names, tmp_path / "confusion.png")
    points = np.random.default_rng(0).normal(size=(500, 2))
    plots.embedding_map(points, np.arange(500), names, tmp_path / "map.png")
    assert size(tmp_path / "confusion.png") == (1800, 840)
    assert size(tmp_path / "map.png") == (960, 720)
    names = names[: maps._NAMED]
    plots.confusion([("linear", np.eye(25))], names, tmp_path / "named.png")
    assert max(size(tmp_path / "named.png")) < 1000


def test_what_the_user_sets_for_matplotlib_changes_no_picture(tmp_path):
    matrices = [("$x_1$", np.eye(2))]
    plots.confusion(matrices, ("a$b$", "_c"), tmp_path / "usual.png")
    theirs = {"text.usetex": True, "font.family": "serif", "axes.formatter.use_locale": True, "figure.dpi": 30}
    with plt.rc_context(theirs):
        plots.confusion(matrices, ("a$b$", "_c"), tmp_path / "theirs.png")
        assert plt.rcParams["text.usetex"]
    assert (tmp_path / "usual.png").read_bytes() == (tmp_path / "theirs.png").read_bytes()

"""What `predict` refuses, and what it says of a head that nobody calibrated."""

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from cpc_keras import export
from cpc_keras.errors import InputError
from cpc_keras.evaluation.features import pool
from cpc_keras.export.predict import predict


@pytest.fixture(scope="module", params=[2, 3])
def artefact(request, tmp_path_factory):
    from tests.conftest import build_small_cpc

    model = build_small_cpc()
    model.build((None, 28, 28, 1))
    kernel = np.random.default_rng(0).normal(size=(16, request.param)).astype("float32")
    head = export.LinearHead(
        mean, kernel, np.zeros(request.param, "float32"), ("sky", "stone", "petal")[: request.param]
    )
    return request.param, export.save(model, tmp_path_factory.mktemp("artefacts") / "small", head=head)


def mean(grid, whole):
    return pool("mean", grid, whole)


def test_a_threshold_is_for_two_classes(artefact, photo_folder, tmp_path):
    classes, path = artefact
    out, console = tmp_path / "said.csv", Console(file=io.StringIO(), width=200)
    if classes == 3:
        message = r"`--threshold` must be asked of a model of two classes. Received: 0.3 for 3 classes"
        with pytest.raises(InputError, match=message):
            predict(path, f"dir:{photo_folder}", out, console, threshold=0.3)
        assert not list(tmp_path.iterdir())
    else:
        predict(path, f"dir:{photo_folder}", out, console, threshold=0.0)
        assert set(pd.read_csv(out)["class"]) == {"stone"}


def test_a_head_without_a_threshold_states_none(artefact, photo_folder, tmp_path):
    console = Console(file=io.StringIO(), width=200)
    predict(artefact[1], f"dir:{photo_folder}", tmp_path / "said.csv", console)
    assert "threshold" not in console.file.getvalue()
    table = pd.read_csv(tmp_path / "said.csv")
    assert len(table) == 16 and table["probability"].min() >= 1 / artefact[0]

"""What a model card shows runs, in processes that do not have the package."""

import re

import numpy as np
import pytest

from cpc_keras import export
from cpc_keras.evaluation.features import pool
from tests.processes import STRANGER, run


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    from tests.conftest import build_small_cpc

    model = build_small_cpc()
    model.build((None, 28, 28, 1))
    kernel = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    head = export.LinearHead(mean, kernel, np.zeros(3, "float32"), ("sky", "stone", "petal"))
    return export.save(model, tmp_path_factory.mktemp("artefacts") / "small", pooling=mean, head=head)


def mean(grid, whole):
    return pool("mean", grid, whole)


def snippets(path):
    return re.findall(r"```python\n(.*?)```", (path / "README.md").read_text(encoding="utf-8"), re.S)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "consumer"),
    list(enumerate(["hub.load", "hub.KerasLayer", "TFSMLayer", "keras_hub.models.ImageClassifier"])),
)
def test_snippet_runs(number, consumer, artefact):
    text = snippets(artefact)[number]
    assert consumer in text
    assert ("classify" in text) == (number == 0)
    done = run("-c", text, cwd=artefact.parent, imports=STRANGER)
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_snippet_is_run(artefact):
    assert len(snippets(artefact)) == 4

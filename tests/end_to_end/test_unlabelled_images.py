"""Networks that learn from labelled and unlabelled images at once, from the command to what is taken home."""

import json
import shutil
import time

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tests.commands import cpc_keras, cpc_keras_running

pytestmark = pytest.mark.slow

ASKED = (
    *("evaluate", "run", "--labels-per-class", "4", "--seeds", "1"),
    *("--methods", "vat_entropy", "--minutes-per-network", "0.02", "--class-shares", "equal"),
)


def records(place):
    """What an evaluation found, without how long it took."""
    found = json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())
    return [{name: value for name, value in record.items() if name != "seconds"} for record in found]


@pytest.fixture(scope="module")
def place(tmp_path_factory, pretrained):
    """A run, evaluated, and killed once in the middle."""
    place = shutil.copytree(pretrained, tmp_path_factory.mktemp("unlabelled") / "place")
    with cpc_keras_running(*ASKED, cwd=place) as process:
        cells, deadline = place / "run" / "evaluation" / "cells", time.monotonic() + 600
        while not list(cells.glob("*/searches/finetune-*.npz")):  # the search is there, its network is not
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.kill()
        process.wait()
    assert not list(cells.glob("*/vat_entropy-*.npz"))
    done = cpc_keras(*ASKED, cwd=place, code=0)
    assert "One network learns from unlabelled images, too, about" in done.stdout
    assert "CPC, VAT + entropy" in done.stdout
    return place


def test_killed_in_the_middle_of_a_cell_it_came_to_the_same(place, tmp_path, pretrained):
    other = shutil.copytree(pretrained, tmp_path / "place")
    budget = other / "run" / "evaluation" / "step_budget.json"
    budget.parent.mkdir()
    shutil.copy(place / "run" / "evaluation" / budget.name, budget)  # another machine, as it were, is not as fast
    cpc_keras(*ASKED, cwd=other, code=0)
    assert records(other) == records(place)


def test_the_report_has_the_papers_second_table(place):
    cpc_keras("report", "run", cwd=place, code=0)
    page = (place / "run" / "report" / "index.html").read_text()
    for words in ("Labels propagated by a network", "CPC, VAT + entropy", "Rotation + VAT + entropy"):
        assert words in page


def test_the_network_is_taken_along_as_it_is(place):
    """What it says of test images is what was evaluated."""
    cpc_keras("export", "run", "models/whole", "--with-head", "--classifier", "vat_entropy", cwd=place, code=0)
    assert len(list((place / "run" / "evaluation" / "cells").glob("*/vat_entropy-*.npz"))) == 1  # no other was trained
    told = json.loads((place / "models" / "whole" / "model.json").read_text())["head"]
    (own,) = records(place)
    assert (told["method"], told["labels"], told["network"]) == ("vat_entropy", 8, True)
    assert told["accuracy"] == round(100 * own["top1"], 1) and told["unlabelled"] > 0
    assert own["selected"]["shares"] == "equal"
    cpc_keras("predict", "models/whole", "--data", "classes:labelled", "--out", "classes.csv", cwd=place, code=0)
    assert len(pd.read_csv(place / "classes.csv")) > 0
    loaded = tf.saved_model.load(str(place / "models" / "whole"))
    crops = np.random.default_rng(0).uniform(size=(3, 28, 28, 3)).astype("float32")
    said = loaded.signatures["classify"](tf.constant(crops))["probabilities"]
    np.testing.assert_allclose(np.sum(said, axis=1), 1.0, atol=1e-5)

"""What version 0.1 left on the disk before the folders were rearranged: opened, resumed, evaluated, reported.

`tests/golden/make_version_0_1.py` made the archive, with that version.
"""

import json
import pathlib
import tarfile

import keras
import numpy as np
import pandas as pd
import pytest

from cpc_keras.runs.checkpoints import load_trained
from cpc_keras.runs.folder import RunFolder
from tests.commands import cpc_keras

pytestmark = pytest.mark.slow
ARCHIVE = pathlib.Path(__file__).parent.parent / "golden" / "version_0_1.tar.xz"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("earlier")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(place, filter="data")
    return place


def written(folder, pattern):
    return {path: path.stat().st_mtime_ns for path in folder.rglob(pattern)}


def test_is_small():
    assert ARCHIVE.stat().st_size <= 300_000


def test_a_recipe_and_a_run_have_the_present_names(place):
    recipe = RunFolder(place / "run").open()
    assert (recipe.patch_color_distortion, recipe.patch_grayscale) == (0.5, 0.5)
    model = load_trained(RunFolder(place / "run").last_checkpoint()[1])
    assert (model.augmentation.color_distortion, model.augmentation.grayscale) == (0.5, 0.5)
    done = cpc_keras("pretrain", "small.py", "--run", "run", cwd=place, code=0)
    assert "is trained: all 2 steps are done" in done.stdout


def test_a_run_that_was_cut_goes_on(place):
    folder = RunFolder(place / "run")
    whole = keras.models.load_model(folder.checkpoint_file(2)).get_weights()
    folder.checkpoint_file(2).unlink()
    done = cpc_keras("pretrain", "small.py", "--run", "run", cwd=place, code=0)
    assert "Resumes after step 1 of 2." in done.stdout
    for ours, theirs in zip(keras.models.load_model(folder.checkpoint_file(2)).get_weights(), whole, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    # As it was written, for what follows is known by its weights.
    with tarfile.open(ARCHIVE) as archive:
        archive.extract(f"./{folder.checkpoint_file(2).relative_to(place)}", place, filter="data")


def test_finished_results_are_known_again(place):
    """But for probes on encoders, which choose from one pooling more than they did, and networks, of other lengths."""
    cells = place / "run" / "evaluation" / "cells"
    before = written(cells, "*.npz")
    assert len(before) == 16
    cpc_keras("evaluate", "run", "--methods", "linear,knn,finetune", "--seeds", "1", cwd=place, code=0)
    cpc_keras("evaluate", "run", "--settings", "run/tuning", cwd=place, code=0)
    known = {path for path, time in written(cells, "*.npz").items() if before.get(path) == time}
    asked = {path for path in before if path.name.startswith(("knn-pixels-", "linear-pixels-"))}
    assert len(asked) == 4 and asked <= known
    records = json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())
    assert {record["method"] for record in records} == {"linear", "knn", "finetune", "linear_tuned", "linear_default"}
    done = cpc_keras("evaluate", "run", "--methods", "linear,knn", "--seeds", "2", cwd=place, code=0)
    assert "CPC, frozen, kNN" in done.stdout


def test_a_search_of_other_lengths_stays_as_it_is(place):
    """Its setting serves, as above; what would follow it has other numbers of steps, so it is another search."""
    kept = place / "run" / "tuning" / "linear"
    before = written(kept, "*")
    assert len(list(kept.rglob("trials/*.npz"))) >= 3
    few = ("tune", "run", "--labels-per-class", "4", "--trials", "2")
    done = cpc_keras(*few, "--name", "linear", cwd=place, code=2)
    assert "`--name` must be that of a new search" in done.stderr and "steps" in done.stderr
    assert written(kept, "*") == before
    cpc_keras(*few, "--name", "anew", cwd=place, code=0)
    assert (place / "run" / "tuning" / "anew" / "search.json").is_file()


def test_detectors_are_not_trained_again(place):
    before = written(place / "run" / "detection", "*.npz") | written(place / "run" / "detection", "*.keras")
    assert len(before) == 4
    done = cpc_keras("detect", "run", "--recipe", "detector.py", "--export", "found", cwd=place, code=0)
    assert written(place / "run" / "detection", "*.npz") | written(place / "run" / "detection", "*.keras") == before
    assert "CPC, fine-tuned" in done.stdout and (place / "found" / "model.json").is_file()


def test_the_export_still_computes(place):
    cpc_keras("embed", "model", "--data", "classes:labelled", "--out", "vectors.npz", cwd=place, code=0)
    cpc_keras("predict", "model", "--data", "classes:labelled", "--out", "classes.csv", cwd=place, code=0)
    with np.load(place / "vectors.npz") as file:
        assert file["feature_vector"].shape == (16, 8)
    assert len(pd.read_csv(place / "classes.csv")) == 16
    assert "serving_default" in cpc_keras("models", ".", cwd=place, code=0).stdout
    few = ("--methods", "knn", "--labels-per-class", "2", "--seeds", "1")
    cpc_keras("evaluate", "run", *few, "--encoder", "model", cwd=place, code=0)
    records = json.loads((place / "run" / "evaluation" / "label_efficiency.json").read_text())
    assert [record["method"] for record in records if record["encoder"] == "model"] == ["knn"]


def test_the_report_shows_all_of_it(place):
    cpc_keras("report", "run", cwd=place, code=0)
    page = (place / "run" / "report" / "index.html").read_text()
    for words in (
        "How many labels?",
        "What was searched",
        "Carried over to detection",
        "CPC, fine-tuned",
        "fine-tuned",
    ):
        assert words in page

import json
import os

import pytest

from cpc_keras.config.recipe import Recipe
from cpc_keras.errors import InputError
from cpc_keras.runs.cleaning import clean, weight_words
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.owner import owned_folder, owned_output
from tests.commands import cpc_keras


@pytest.fixture
def run(tmp_path):
    """A run of 2 MB a file: `run(paths)` writes them."""
    folder = RunFolder(tmp_path / "run")
    folder.begin(Recipe(steps=5), Recipe(steps=5))

    def fill(*paths):
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(2_000_000))

    folder.fill = fill
    return folder


def test_features_and_halves_are_freed_and_nothing_else(run, tmp_path):
    features = run.evaluation / "features" / "ab-cd"
    kept = [
        run.checkpoint_file(5),
        run.cells / "x" / "a.npz",
        run.tuning / "t" / "trials.csv",
        run.path / ".export.older" / "saved_model.pb",  # killed before the new one got its name
        run.path / "report" / "index.html",
    ]
    freed = [
        features / "00.npz",
        features / ".01.partial.npz",
        run.checkpoints / ".step-00000009.partial.keras",
        run.evaluation / ".list.a1b2.partial.json",
        run.path / ".report.older" / "index.html",
    ]
    run.fill(*kept, *freed)
    done = cpc_keras("clean", "run", cwd=tmp_path, code=0)
    assert done.stdout.splitlines()[-1] == "Freed: 10 MB."
    assert all(path.is_file() for path in (*kept, run.recipe_file)) and not any(path.exists() for path in freed)
    run.fill(*freed)
    done = cpc_keras("clean", "run", "--json", cwd=tmp_path, code=0)
    assert json.loads(done.stdout)["freed"] == 10_000_000
    run.fill(*freed)
    cleaned = clean(run)
    assert cleaned.freed == 10_000_000
    rows = {row.cells[0]: row.cells[1:] for row in cleaned.table().rows}
    assert rows["features"] == ("4 MB", "0 kB") and rows["checkpoints"] == ("4 MB", "2 MB")
    assert rows["all"] == ("20 MB", "10 MB")
    assert clean(run).freed == 0


def test_linked_features_stay_where_they_are(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "00.npz").write_bytes(bytes(9))
    run.evaluation.mkdir()
    os.symlink(tmp_path / "elsewhere", run.evaluation / "features")
    clean(run)
    assert (tmp_path / "elsewhere" / "00.npz").is_file() and not (run.evaluation / "features").exists()


def test_what_another_command_writes_is_left_alone(run):
    run.fill(run.evaluation / "features" / "00.npz")
    for owned in (
        owned_folder(run.path, "--run"),
        owned_folder(run.tuning / "linear", "RUN"),
        owned_output(run.path / "x", "DEST"),
    ):
        with owned, pytest.raises(InputError, match="`RUN` must be a .* that no other command is writing to"):
            clean(run)
    assert (run.evaluation / "features" / "00.npz").is_file()
    clean(run)


def test_what_a_run_weighs_is_said_where_it_is_much(run):
    run.fill(*(run.checkpoint_file(step) for step in range(49)))
    assert weight_words(run) == ""
    run.fill(*(run.checkpoint_file(step) for step in range(60)), run.evaluation / "features" / "ab-cd" / "00.npy")
    command = f"`cpc-keras clean {run.path}`"
    assert weight_words(run) == (
        f"122 MB, 120 MB of it checkpoints. Features of images, which evaluations add, {command} frees."
    )
    run.fill(*(run.evaluation / "features" / "ab-cd" / f"{number:02d}.npy" for number in range(30)))
    assert weight_words(run) == (
        f"180 MB, of which {command} frees 60 MB: features of images, computed again where needed."
    )

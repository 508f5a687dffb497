"""Thousands of files through `embed`: in order, killed, beside another, onto a full disk."""

import json
import shutil
import signal
import time

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

from cpc_keras.storage.owner import owned_output
from tests.commands import check_refusal, cpc_keras, cpc_keras_running
from tests.processes import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, taken_home):
    return shutil.copytree(taken_home, tmp_path_factory.mktemp("home") / "place")


@pytest.fixture(scope="module")
def many(tmp_path_factory, photographs):
    """4,200 crops of two photographs, and three files that are no images."""
    folder = tmp_path_factory.mktemp("many")
    for index in range(4200):
        picture = photographs[index % 2]
        top, left = index % 380, (7 * index) % 590
        Image.fromarray(picture[top : top + 32, left : left + 32]).save(folder / f"crop{index}.png", compress_level=1)
    (folder / "text.png").write_text("no image")
    (folder / "nothing.jpg").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "crop7.png").read_bytes()[:300])
    return folder


def test_embeds_a_folder_in_order_and_names_the_files_that_are_none(place, many):
    done = cpc_keras("embed", "models/small", "--data", f"dir:{many}", "--out", "all.npz", cwd=place, code=0)
    assert "4,200 images: all.npz" in done.stdout and "3 could not be read" in done.stdout
    said = ["Loading models/small.", f"Opening dir:{many}.", "Computing all.npz.", "Writing all.npz."]
    assert [line for line in done.stdout.splitlines() if line in said] == said
    assert done.stdout.endswith("Next, in Python: numpy.load('all.npz')\n")
    bad = pd.read_csv(place / "all.npz.bad_files.csv")
    assert {path.rsplit("/", 1)[1] for path in bad["path"]} == {"text.png", "nothing.jpg", "cut.png"}
    assert all(path in done.stdout for path in bad["path"])
    with np.load(place / "all.npz", allow_pickle=False) as file:
        paths, vectors = file["paths"], file["feature_vector"]
    assert [path.rsplit("/", 1)[1] for path in paths] == [f"crop{index}.png" for index in range(4200)]
    encoder = tf.saved_model.load(str(place / "models" / "small"))
    for index in (0, 2500, 4199):
        image = np.asarray(Image.open(paths[index]), "float32")[None, 2:30, 2:30] / 255.0
        np.testing.assert_allclose(vectors[index], encoder(image)[0], atol=1e-5)
    cpc_keras("embed", "models/small", "--data", f"dir:{many}", "--out", "all.parquet", cwd=place, code=0)
    table = pd.read_parquet(place / "all.parquet")
    assert table["path"].tolist() == paths.tolist()
    np.testing.assert_array_equal(np.stack(table["feature_vector"]), vectors)
    assert sorted(path.name for path in place.glob(".all*")) == [".all.npz.sha256", ".all.parquet.sha256"]


def test_killed_it_goes_on_from_its_shards(place, many):
    arguments = ("embed", "models/small", "--data", f"dir:{many}", "--signature", "selected", "--out")
    cpc_keras(*arguments, "whole.npz", cwd=place, code=0)
    with cpc_keras_running(*arguments, "killed.npz", cwd=place) as process:
        deadline = time.monotonic() + 120
        while not (shards := list(place.glob(".killed.npz.partial/*/from-*.npz"))) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert shards and not (place / "killed.npz").exists()
    with np.load(shards[0]) as file:
        arrays = {**file, "features": 2 * file["features"]}
    np.savez(shards[0], **arrays)  # so that it shows whether this shard is used again
    cpc_keras(*arguments, "killed.npz", cwd=place, code=0, fresh=True)
    with np.load(place / "whole.npz") as whole, np.load(place / "killed.npz") as killed:
        assert whole.files == killed.files == ["paths", "features"]
        np.testing.assert_array_equal(whole["paths"], killed["paths"])
        begun = np.isin(whole["paths"], json.loads(str(arrays["record"]))["paths"])
        assert 0 < begun.sum() < 4200
        np.testing.assert_array_equal(2 * whole["features"][begun], killed["features"][begun])
        np.testing.assert_array_equal(whole["features"][~begun], killed["features"][~begun])


def test_two_at_once_have_one_owner(place, many):
    embed = ("embed", "models/small", "--data", f"dir:{many}", "--out", "twice.npz")
    with cpc_keras_running(*embed, cwd=place) as process:
        while process.poll() is None and not (place / ".twice.npz.owner").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGSTOP)  # Were it to go on, it could be done before the second has started.
        done = cpc_keras(*embed, cwd=place, code=2)
        process.send_signal(signal.SIGCONT)
        assert process.communicate(timeout=120)[1] == "" and process.returncode == 0
    said = "must be a file that no other command is writing to. Received: "
    assert done.stderr.startswith(f"cpc-keras: `--out` {said}twice.npz, which process {process.pid} on ")
    assert done.stderr.count("\n") == 1
    with np.load(place / "twice.npz") as file:
        assert len(file["paths"]) == 4200
    with owned_output(place / "said.csv", "--out", "file"), owned_output(place / "models" / "twice", "DEST"):
        check_refusal("predict models/small --data classes:labelled --out said.csv", f"`--out` {said}said.csv", place)
        said = "`DEST` must be a folder that no other command is writing to. Received: models/twice, which process"
        check_refusal("export run models/twice", said, place)
    assert {path.suffix for path in place.glob(".*")} <= {".sha256"}


def test_a_disk_that_takes_no_more_leaves_nothing(place):
    """As if a kilobyte more fitted on it."""
    script = (
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))\n"
        "from cpc_keras.cli import main\nmain()"
    )
    for command in ("embed models/small --data classes:labelled --out full.npz", "export run models/full"):
        done = run("-c", script, *command.split(), cwd=place)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert "that can be written to; the same command goes on when there is room" in done.stderr
        assert "File too large" in done.stderr
    assert not (place / "full.npz").exists() and not (place / "models" / "full").exists()

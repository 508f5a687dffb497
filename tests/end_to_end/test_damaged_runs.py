"""Runs whose files were cut, emptied, edited or copied: what cannot be read is said, and computed again."""

import json
import shutil

import pytest

from cpc_keras.runs.folder import RunFolder
from tests.commands import cpc_keras

pytestmark = pytest.mark.slow
EVALUATE = ("evaluate", "run", "--labels-per-class", "2", "--methods", "knn", "--seeds", "2")


@pytest.fixture(scope="module")
def place(tmp_path_factory, pretrained):
    """A run that was evaluated, in a folder whose name is a pattern."""
    place = shutil.copytree(pretrained, tmp_path_factory.mktemp("damaged") / "it's [1] *")
    cpc_keras(*EVALUATE, cwd=place, code=0)
    return place


def records(folder):
    """The figures, without the time that they took."""
    return [{**one, "seconds": 0} for one in json.loads(folder.label_efficiency_file.read_text())]


def notes(done):
    """What was said of files; nothing else may be told as an error."""
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line.startswith("Note: ")]


def test_what_cannot_be_read_is_computed_again(place):
    run = RunFolder(place / "run")
    whole = records(run)
    cells = sorted(run.cells.glob("*/*.npz"))
    shard = min((run.evaluation / "features").glob("*/shard-*"))
    cells[0].write_bytes(b"")
    cells[1].write_bytes(cells[1].read_bytes()[:-40])
    cells[2].with_name("copy of another run.npz").write_bytes(cells[2].read_bytes())
    (shard / "positions.npy").write_bytes(b"")
    run.source_file.write_text("[1]")
    run.label_efficiency_file.write_text(run.label_efficiency_file.read_text()[:300])
    (run.subsets / "sha256.json").write_text("")
    run.checkpoint_file(1).write_bytes(run.checkpoint_file(1).read_bytes()[:-9])
    done = cpc_keras(*EVALUATE, "--checkpoints", "all", cwd=place, code=0)
    assert "of 2 new results" in done.stdout
    assert records(run) == whole
    said = notes(done)
    for file in (cells[0], cells[1], run.checkpoint_file(1)):
        assert sum(str(file.relative_to(place)) in line for line in said) == 1, said
    assert json.loads((run.subsets / "sha256.json").read_text())
    assert run.source()["data"] == "classes:labelled"


def test_the_report_shows_what_is_left(place):
    run = RunFolder(place / "run")
    run.label_efficiency_file.unlink()
    run.metrics_file.write_text(run.metrics_file.read_text().replace("\n1,", "\n?,"))
    search, detected = run.tuning / "linear", run.detection / "voc"
    for folder in (search, detected):
        folder.mkdir(parents=True)
    (search / "trials.csv").write_text("trial,share\ndefault")
    (search / "search.json").write_text("")
    (detected / "summary.csv").write_bytes(b"\xff\xfe\0")
    said = notes(cpc_keras("report", "run", cwd=place, code=0))
    page = (run.report / "index.html").read_text()
    assert "How many labels?" in page and "Pre-training" in page and "What was searched" not in page
    for file in (run.metrics_file, search / "trials.csv", search / "search.json", detected / "summary.csv"):
        assert sum(line.startswith(f"Note: {file.relative_to(place)}") for line in said) == 1, said

"""Runs whose files were cut, emptied, edited or copied: what cannot be read is said, and computed again."""

import io
import json
import shutil

import pytest
from rich.console import Console

from cpc_keras.data.budgets import Budget
from cpc_keras.evaluation.evaluate import evaluate
from cpc_keras.report.report import write_report
from cpc_keras.runs.folder import RunFolder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, pretrained):
    """A run that was evaluated, in a folder whose name is a pattern."""
    return shutil.copytree(pretrained, tmp_path_factory.mktemp("damaged") / "it's [1] *")


@pytest.fixture
def run(place, monkeypatch):
    monkeypatch.chdir(place)
    return RunFolder("run")


def evaluated(**arguments):
    """The records, without their times, and what was said."""
    console = Console(file=io.StringIO(), width=200)
    budgets = [Budget("per_class", 2)]
    records = evaluate("run", console, budgets=budgets, methods=("knn",), seeds=2, **arguments)
    return [{**record, "seconds": 0} for record in records], console.file.getvalue()


def test_what_cannot_be_read_is_computed_again(run, capsys):
    whole, _ = evaluated()
    cells = sorted(run.cells.glob("*/*.npz"))
    shards = sorted((run.evaluation / "features").glob("*/shard-*"))
    cells[0].write_bytes(b"")
    cells[1].write_bytes(cells[1].read_bytes()[:-40])
    cells[2].with_name("copy of another run.npz").write_bytes(cells[2].read_bytes())
    (shards[0] / "positions.npy").write_bytes(b"")
    run.source_file.write_text("[1]")
    run.label_efficiency_file.write_text(run.label_efficiency_file.read_text()[:300])
    (run.subsets / "sha256.json").write_text("")
    run.checkpoint_file(1).write_bytes(run.checkpoint_file(1).read_bytes()[:-9])
    capsys.readouterr()
    again, said = evaluated(every_checkpoint=True)
    assert again == whole
    assert "of 2 new results" in said
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Note: ")]
    expected = [cells[0], cells[1], shards[0] / "positions.npy", run.subsets / "sha256.json", run.checkpoint_file(1)]
    for file in expected[:2] + expected[3:]:
        assert sum(str(file) in line for line in notes) == 1, notes
    assert sum(str(shards[0]) in line for line in notes) == 1
    assert json.loads((run.subsets / "sha256.json").read_text())
    assert run.source()["data"] == "classes:labelled"


def test_the_report_shows_what_is_left(run, capsys):
    records, _ = evaluated()
    run.label_efficiency_file.unlink()
    run.metrics_file.write_text(run.metrics_file.read_text().replace("\n1,", "\n?,"))
    place = run.tuning / "linear"
    place.mkdir(parents=True)
    (place / "trials.csv").write_text("trial,share\ndefault")
    (place / "search.json").write_text("")
    detected = run.detection / "voc"
    detected.mkdir(parents=True)
    (detected / "summary.csv").write_bytes(b"\xff\xfe\0")
    capsys.readouterr()
    page = write_report("run", Console(file=io.StringIO())).read_text()
    assert "How many labels?" in page and "Pre-training" in page and "What was searched" not in page
    said = capsys.readouterr().out
    for file in (run.metrics_file, place / "trials.csv", place / "search.json", detected / "summary.csv"):
        assert f"Note: {file}" in said
    assert len(records) == 6

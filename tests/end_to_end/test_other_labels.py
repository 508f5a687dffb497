"""A run that is evaluated with one file of labels, then with another: which rows stand in its table is said."""

import json
import shutil
import signal

import pytest

from cpc_keras.runs.folder import RunFolder
from tests.commands import cpc_keras, cpc_keras_running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, pretrained):
    """`a.csv` labels some of the images, `b.csv` the others."""
    place = shutil.copytree(pretrained, tmp_path_factory.mktemp("labels") / "place")
    for number, name in enumerate(("a.csv", "b.csv")):
        rows = [
            f"{path.relative_to(place)},{label}\n"
            for label in ("even", "odd")
            for path in sorted((place / "labelled" / label).iterdir())[4 * number : 4 * number + 4]
        ]
        (place / name).write_text("".join(["path,label\n", *rows]))
    return place


def evaluate(place, labels, *options):
    return cpc_keras("evaluate", "run", "--labels", labels, "--methods", "knn", *options, cwd=place, code=0).stdout


def budgets(place):
    """Labels a class of the records, and of the lists of subsets."""
    folder = RunFolder(place / "run")
    lists = json.loads((folder.subsets / "sha256.json").read_text())
    assert set(lists) == {path.name for path in folder.subsets.glob("*.txt")}
    recorded = json.loads(folder.label_efficiency_file.read_text())
    return {one["labels_per_class"] for one in recorded}, {int(name.split("-")[1]) for name in lists}


def test_rows_of_an_earlier_evaluation_are_named(place):
    said = evaluate(place, "a.csv", "--labels-per-class", "2")
    assert "handmade features, kNN: " in said and "earlier evaluations" not in said and "brings them back" not in said
    said = evaluate(place, "a.csv", "--labels-per-class", "1")
    (line,) = [line for line in said.splitlines() if "earlier evaluations" in line]
    assert line.startswith("4 results of earlier evaluations with these labels are in table and report too: “CPC, fr")
    assert line.endswith("”, with 2 a class (1 subset).")
    assert budgets(place) == ({1, 2}, {1, 2})


def test_results_of_another_file_leave_the_table_with_a_word(place):
    folder = RunFolder(place / "run")
    before = folder.label_efficiency_file.read_text()
    # Stopped before it has a result, it leaves the run as it was.
    with cpc_keras_running("evaluate", "run", "--labels", "b.csv", cwd=place) as process:
        for line in process.stdout:
            if line.startswith("Note: 8 results of csv:a.csv "):
                break
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    assert "once there is one of csv:b.csv; they stay in " in line and "--labels a.csv brings them back." in line
    assert folder.source()["data"] == "csv:a.csv" and folder.label_efficiency_file.read_text() == before
    cpc_keras("report", "run", cwd=place, code=0)

    said = evaluate(place, "b.csv", "--labels-per-class", "3")
    assert "earlier evaluations" not in said and budgets(place) == ({3}, {3})
    said = evaluate(place, "a.csv", "--labels-per-class", "1")
    assert "4 results of csv:b.csv will not be in table and report" in said and "of 0 new results" in said
    assert {one["labels_per_class"] for one in json.loads(folder.label_efficiency_file.read_text())} == {1, 2}

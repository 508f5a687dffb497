import numpy as np
import pytest

from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import LabelledImages
from cpc_keras.evaluation.earlier_results import carried_along, set_aside
from cpc_keras.evaluation.recorded_labels import record_labels
from cpc_keras.evaluation.run_labels import result_store
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.atomic import write_json


def labelled(first=0):
    """Eight images, four to test on; the labels begin with this one."""
    pictures, labels = np.arange(8 * 4, dtype="uint8").reshape(8, 2, 2, 1), (np.arange(8) + first) % 2
    return LabelledImages(from_arrays(pictures[:4], labels[:4]), from_arrays(pictures[4:], labels[4:]))


def record(method="knn", labels_per_class=2, seed=0, encoder="cpc"):
    return {
        **{"method": method, "encoder": encoder, "checkpoint": 9, "fraction": None, "labels": 2 * labels_per_class},
        **{"labels_per_class": labels_per_class, "seed": seed, "split": "train", "top1": 0.5, "top5": None},
        **{"balanced_accuracy": 0.5, "selected": {}, "trials": 1, "seconds": 0.0},
    }


@pytest.fixture
def folder(tmp_path):
    """A run with two results of one source."""
    folder, images = RunFolder(tmp_path / "run"), labelled()
    for seed in range(2):
        result_store(folder, images).save(f"knn-{seed}", "x", record(seed=seed), np.zeros(4, int))
    record_labels(folder, images)
    return folder


def evaluated_with(folder, source, cross_validate=False):
    write_json(folder.source_file, {"data": source, "cross_validate": cross_validate})


def test_results_of_other_labels_are_set_aside(folder):
    cells = folder.cells / labelled().digest[:16]
    evaluated_with(folder, "csv:a.csv", cross_validate=True)
    assert set_aside(folder, labelled(1), "csv:b.csv") == (
        "2 results of csv:a.csv will not be in table and report, once there is one of csv:b.csv; they stay in "
        f"{cells}, and --labels a.csv brings them back."
    )
    evaluated_with(folder, "classes:photos")
    assert set_aside(folder, labelled(1), "csv:b.csv").endswith(f"{cells}, and --data classes:photos brings them back.")
    assert set_aside(folder, labelled(1), "classes:photos") == (
        "2 results of classes:photos as it was, with other images or labels, will not be in table and report, once "
        f"there is one of classes:photos; they stay in {cells}."
    )


def test_where_nothing_is_set_aside_nothing_is_said(folder, tmp_path):
    assert set_aside(folder, labelled(1), "csv:b.csv") == ""  # an older version did not say of what it was
    evaluated_with(folder, "csv:a.csv")
    assert set_aside(folder, labelled(), "csv:moved/a.csv") == ""
    assert set_aside(RunFolder(tmp_path / "new"), labelled(), "csv:a.csv") == ""
    for file in folder.cells.glob("*/*.npz"):
        file.unlink()
    assert set_aside(folder, labelled(1), "csv:b.csv") == ""


def test_what_nobody_asked_for_is_named_with_its_subsets():
    asked = [record(labels_per_class=5, seed=seed) for seed in range(2)]
    assert carried_along(asked, asked) == ""
    one = record("linear")
    assert carried_along([*asked, one], asked) == (
        "1 result of earlier evaluations with these labels is in table and report too: “CPC, frozen, linear probe”, "
        "with 2 a class (1 subset)."
    )
    interrupted = [record(seed=seed) for seed in range(3)] + [record("linear", seed=0), record("linear", 10)]
    assert carried_along([*asked, *interrupted], asked) == (
        "5 results of earlier evaluations with these labels are in table and report too: “CPC, frozen, kNN”, “CPC, "
        "frozen, linear probe”, with 2 a class (1 to 3 subsets), 10 a class (1 subset)."
    )

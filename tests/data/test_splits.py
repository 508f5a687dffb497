import pytest

from cpc_keras.data.splits import alike, label_of, rows_of_folders, split_of


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("train", "Train", " TRAIN ", "Training"), "train"),
        (("val", "Valid", "validation", "dev"), "validation"),
        (("test", "Testing"), "test"),
        (("trains", "testify", "", "a"), None),
    ],
)
def test_splits_by_any_of_their_names(names, split):
    assert {split_of(name) for name in names} == {split}


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        # Kaggle's: labelled folders for training, flat images to be submitted.
        (["train/a/1", "train/b/1", "test/1"], [("a", "train"), ("b", "train"), (None, "test")]),
        (["a/1", "b/1", "test/test/1"], [("a", None), ("b", None), (None, "test")]),
        (["data/a/1", "data/b/1", "unlabeled/1"], [("a", None), ("b", None), (None, None)]),
        (["a/1", "b/1", "1"], [("a", None), ("b", None), (None, None)]),
        # An archive that holds one folder, which holds all.
        (["set/train/a/1", "set/valid/a/1"], [("a", "train"), ("a", "validation")]),
        (["set/set/a/1", "set/set/b/1"], [("a", None), ("b", None)]),
        (["train/set/a/1", "train/set/b/1", "test/a/1"], [("a", "train"), ("b", "train"), ("a", "test")]),
        # Deeper folders are of the class above them.
        (["a/x/1", "a/y/1", "b/1"], [("a", None), ("a", None), ("b", None)]),
        (["a/1", "a/2"], [("a", None), ("a", None)]),
        (["cafe\u0301/1", "café /1"], [("café", None), ("café", None)]),
    ],
)
def test_classes_and_splits_of_folders(names, rows):
    assert rows_of_folders(names) == rows


def test_labels_of_columns():
    assert [label_of(text) for text in (" cat\xa0", "", " -1 ", "0", "None")] == ["cat", None, None, "0", "None"]


def test_names_that_are_alike():
    assert alike(["a", "b"]) == []
    assert alike(["true", "True", "1", "1.0", "9" * 5000, "①"]) == [["true", "True"], ["1", "1.0"]]

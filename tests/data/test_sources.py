import os
import shutil
import tempfile

import numpy as np
import pytest
from PIL import Image

from cpc_keras.data import open_source, prepare, source_splits
from cpc_keras.errors import InputError
from tests.processes import run


@pytest.fixture
def tree(tmp_path, photographs):
    """`train/` and `test/`, each with the folders `cat` and `dog`."""
    for split, count in (("train", 3), ("test", 2)):
        for label in ("cat", "dog"):
            folder = tmp_path / "tree" / split / label
            folder.mkdir(parents=True)
            for index in range(count):
                Image.fromarray(photographs[0][index : index + 20, :30]).save(folder / f"{index}.png")
    return tmp_path / "tree"


def test_folder_without_labels(photo_folder):
    images = open_source(f"dir:{photo_folder}")
    assert len(images) == 16
    assert images.labels is None
    names = [path.rsplit("/", 1)[1].split(".")[0] for path in images.ids]
    assert names == [f"photo{index}" for index in range(16)]  # 2 before 10
    assert images.read(0).shape == tuple(images.sizes[0])


def test_classes_with_splits(tree):
    source = f"classes:{tree}"
    assert source_splits(source) == ("test", "train")
    train, test = open_source(source), open_source(source, "test")
    assert (len(train), len(test)) == (6, 4)
    assert train.class_names == test.class_names == ("cat", "dog")
    assert test.labels.tolist() == [0, 0, 1, 1]
    every = open_source(source, "all")
    assert len(every) == 10 and every.class_names == ("cat", "dog")


def test_classes_without_splits(tree):
    images = open_source(f"classes:{tree / 'train'}")
    assert images.split == "all"
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert source_splits(f"classes:{tree / 'train'}") == ()


def test_csv_with_paths_relative_to_it(tree):
    table = tree / "labels.csv"
    table.write_text(
        "path,label,split\ntrain/dog/0.png,dog,train\ntest/cat/1.png,cat,test\ntrain/cat/2.png,cat,train\n"
    )
    images = open_source(f"csv:{table}")
    assert images.ids == [str(tree / "train/dog/0.png"), str(tree / "train/cat/2.png")]
    assert images.labels.tolist() == [1, 0]
    assert open_source(f"csv:{table}", "test").labels.tolist() == [0]


def test_bare_paths(tree, photo_folder):
    assert open_source(str(photo_folder)).labels is None
    assert open_source(str(tree / "train")).class_names == ("cat", "dog")
    assert open_source(str(tree)).split == "train"


def test_bad_files_are_listed(tree):
    (tree / "train" / "cat" / "bad.png").write_text("no image")
    images = open_source(f"classes:{tree}", max_bad_share=0.2)
    assert len(images) == 6
    assert [(bad.path.endswith("cat/bad.png"), bad.reason) for bad in images.bad_files] == [(True, "is not an image")]
    with pytest.raises(InputError, match="1 bad files of 7"):
        open_source(f"classes:{tree}", max_bad_share=0.1)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("dir:{tree}/nowhere", "`data` must name an existing folder. Received: dir:.*nowhere"),
        ("dir:{tree}/empty", "`data` must hold at least one image file .* with none"),
        ("csv:{tree}/nowhere.csv", "`data` must name an existing CSV file"),
        (
            "csv:{tree}/columns.csv",
            "`data` must be a readable CSV file .*'name', 'class', none of them 'path'",
        ),
        (
            "csv:{tree}/missing.csv",
            "with 1 bad files of 2, such as .*gone.png: is not there",
        ),
        ("csv:{tree}/none.csv", "`data` must have at least one row"),
        ("classes:{tree}/train/cat", "`data` must have a folder for each label"),
        ("{tree}/..", "`data` must be tfds:NAME, dir:PATH"),
        ("dir:", "`data` must name something after 'dir:'"),
        ("tfds:no_such_data_set", "`data` must name a data set that TensorFlow Datasets knows"),
    ],
)
def test_refusals(tree, source, message):
    (tree / "empty").mkdir()
    (tree / "columns.csv").write_text("name,class\na,b\n")
    (tree / "missing.csv").write_text("path,label\ntrain/cat/0.png,cat\ngone.png,dog\n")
    (tree / "none.csv").write_text("path,label\n")
    with pytest.raises(InputError, match=message) as error:
        open_source(source.format(tree=tree))
    assert "\n" not in str(error.value)


def test_unknown_split(tree):
    with pytest.raises(InputError, match="`data` must have the split 'val'.* with test, train"):
        open_source(f"classes:{tree}", "val")


def test_sizes_are_those_of_the_decoded_images(tree):
    images = open_source(f"classes:{tree}")
    assert np.all(images.sizes == [20, 30, 3])


def test_labels_without_which_and_like_which(tree):
    """Flat images beside classes, a folder without labels, and names that differ in case alone."""
    train = tree / "train"
    for name in ("Cat/9.png", "unlabeled/9.png", "9.png"):
        (train / name).parent.mkdir(exist_ok=True)
        shutil.copy(train / "cat" / "0.png", train / name)
    (train / "none").mkdir()
    everything = open_source(f"classes:{train}")
    assert (len(everything), everything.labels) == (9, None)
    labelled = open_source(f"classes:{train}", labelled_only=True)
    assert len(labelled) == 7 and labelled.class_names == ("Cat", "cat", "dog")
    assert labelled.notes == [
        "Folders without an image are no classes: 'none'.",
        "Labels that differ in writing alone are classes of their own: 'Cat', 'cat'.",
        "Images without a label, which are left out: 2.",
    ]


def test_a_csv_as_other_programs_write_it(tree):
    """Semicolons, Windows' paths, blanks, composed and decomposed letters, -1 for no label, any name of a split."""
    os.rename(tree / "test" / "cat" / "0.png", tree / "u\u0308ber.png")
    rows = [" train\\cat\\0.png ;cat\xa0;Training", "\xfcber.png;cafe\u0301;TEST", "train/dog/1.png;-1;"]
    (tree / "labels.csv").write_bytes("\r\n".join(["Path;Label;Split", *rows]).encode("utf-16"))
    images = open_source(f"csv:{tree / 'labels.csv'}", "all")
    names = [os.path.relpath(one, tree) for one in images.ids]
    assert names == ["train/cat/0.png", "u\u0308ber.png", "train/dog/1.png"]
    assert source_splits(f"csv:{tree / 'labels.csv'}") == ("test", "train")
    train = open_source(f"csv:{tree / 'labels.csv'}", labelled_only=True)
    assert train.class_names == ("caf\xe9", "cat") and len(train) == 1


def test_missing_files_count_as_bad_ones(tree):
    rows = [f"train/{label}/{index}.png,{label}" for label in ("cat", "dog") for index in range(3)]
    (tree / "few.csv").write_text("\n".join(["path,label", *rows, "gone.png,cat"]))
    images = open_source(f"csv:{tree / 'few.csv'}", max_bad_share=0.2)
    assert [(os.path.basename(bad.path), bad.reason) for bad in images.bad_files] == [("gone.png", "is not there")]
    (tree / "most.csv").write_text("\n".join(["path,label", *rows, *(f"none/{index}.png,cat" for index in range(994))]))
    with pytest.raises(InputError, match=r"with 994 bad files of 1,000, such as .*none/0.png: is not there; .*none/2"):
        open_source(f"csv:{tree / 'most.csv'}")


@pytest.mark.parametrize("label", ["2003²", "①", "9" * 5000, "$1_$", "=1+1", "名前", "[red]"])
def test_any_text_is_a_label(tree, label):
    (tree / "odd.csv").write_text(f"path,label\ntrain/cat/0.png,{label}\ntrain/cat/1.png,b\n", encoding="utf-8")
    assert label in open_source(f"csv:{tree / 'odd.csv'}").class_names


def test_the_users_home(tree, monkeypatch):
    monkeypatch.setenv("HOME", str(tree))
    assert len(open_source("dir:~/train")) == len(open_source("~/train")) == 6


def test_images_beside_a_run_are_images_and_a_runs_pictures_are_not(tree):
    (tree / "runs" / "demo" / "checkpoints").mkdir(parents=True)
    (tree / "runs" / "demo" / "recipe.json").write_text("{}")
    shutil.copy(tree / "train" / "cat" / "0.png", tree / "runs" / "demo" / "loss.png")
    images = open_source(f"dir:{tree}")
    assert len(images) == 10
    assert images.notes == ["Passed over: 1 a run's folder."]


AS_NOBODY = """
import os, sys
if os.getuid() == 0:
    os.setuid(65534)  # root may read everything
from cpc_keras.data import open_source
print([bad.reason for bad in open_source(sys.argv[1], max_bad_share=0.5).bad_files])
"""


def test_a_folder_that_may_not_be_read_is_named(tree):
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        shutil.copytree(tree, f"{place}/tree")
        os.chmod(f"{place}/tree/train/cat", 0)
        done = run("-c", AS_NOBODY, f"classes:{place}/tree", cwd="/")
        os.chmod(f"{place}/tree/train/cat", 0o755)
    assert done.stdout == "['may not be read (permission denied)']\n", done.stderr


def test_tiles_of_images_that_decode_are_decoded_once(tree):
    tiles = open_source(f"dir:{tree}", tile=16)
    assert len(tiles) == 4 * 10
    assert len(prepare(tiles, 3)) == 40

import numpy as np
import pytest
from PIL import Image

from cpc_keras.data import open_source, source_splits
from cpc_keras.errors import InputError


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
        ("csv:{tree}/columns.csv", "`data` must have the columns path,label.* with name,class"),
        ("csv:{tree}/missing.csv", "`data` must name existing files. .* line 3 with .*gone.png"),
        ("csv:{tree}/none.csv", "`data` must have at least one row"),
        ("classes:{tree}/train/cat", "`data` must have a folder for each label"),
        ("{tree}", "`data` must be tfds:NAME, dir:PATH"),
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

"""Images with boxes, from VOC's folders and from TensorFlow Datasets."""

import numpy as np
import pytest
from PIL import Image

from cpc_keras.data import tfds_images
from cpc_keras.data.builders import garments
from cpc_keras.data.sources import open_source
from cpc_keras.detection.data import tfds_boxes
from cpc_keras.detection.data.boxed_images import has_split, open_boxed_images, open_test_images
from cpc_keras.errors import InputError


def annotation(objects):
    """A VOC annotation: `objects` are `(name, (xmin, ymin, xmax, ymax), difficult)`."""
    parts = [
        f"<object><name>{name}</name><difficult>{int(difficult)}</difficult><bndbox><xmin>{box[0]}</xmin>"
        f"<ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for name, box, difficult in objects
    ]
    return f"<annotation><filename>wrong.jpg</filename>{''.join(parts)}</annotation>"


OBJECTS = {
    "a": [("cup", (1, 1, 40, 50), False), ("plate", (60, 20, 90, 80), True)],
    "b": [("cup", (10, 10, 20, 20), False)],
    "c": [],
    "d": [("plate", (5, 5, 50, 60), False)],
}


@pytest.fixture
def write(photographs):
    """Writes an image and its annotation."""

    def write_one(images, annotations, name, objects):
        for folder in (images, annotations):
            folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photographs[0][:100, :120]).save(images / f"{name}.png")
        (annotations / f"{name}.xml").write_text(annotation(objects))

    return write_one


@pytest.fixture
def flat(tmp_path, write):
    """XML files beside images."""
    for name, objects in OBJECTS.items():
        write(tmp_path / "flat", tmp_path / "flat", name, objects)
    return tmp_path / "flat"


@pytest.fixture
def devkit(tmp_path, write):
    """VOC's own folders, with splits."""
    root = tmp_path / "VOC2007"
    for name, objects in OBJECTS.items():
        write(root / "JPEGImages", root / "Annotations", name, objects)
    lists = root / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    for split, names in {"train": "a", "val": "b", "trainval": "ab", "test": "cd", "cup_train": "a"}.items():
        lists.joinpath(f"{split}.txt").write_text("".join(f"{name}  1\n" for name in names))
    return root


def test_a_flat_folder(flat):
    boxed = open_boxed_images(f"voc:{flat}")
    assert [one.rsplit("/")[-1] for one in boxed.images.ids] == ["a.png", "b.png", "c.png", "d.png"]
    assert boxed.class_names == ("cup", "plate")
    # VOC's first pixel is 1, and its last one lies inside.
    np.testing.assert_array_equal(boxed.boxes[0].boxes, [[0, 0, 40, 50], [59, 19, 90, 80]])
    assert boxed.boxes[0].classes.tolist() == [0, 1]
    assert boxed.boxes[0].difficult.tolist() == [False, True]
    assert boxed.images.read(0).shape == (100, 120, 3)
    assert boxed.notes == [f"Images without a box, which show background alone: 1, the first {flat / 'c.png'}."]


def test_vocs_own_folders_and_their_splits(devkit):
    train, test = (open_boxed_images(f"voc:{devkit}", split) for split in ("train", "test"))
    assert [one[-5] for one in train.images.ids] == ["a", "b"], "trainval, where there is such"
    assert [one[-5] for one in test.images.ids] == ["c", "d"]
    assert train.class_names == test.class_names == ("cup", "plate"), "of all splits, so that their numbers agree"
    assert has_split(f"voc:{devkit}", "test")
    assert [one[-5] for one in open_test_images(f"voc:{devkit}", train.class_names).images.ids] == ["c", "d"]
    assert len(open_boxed_images(f"voc:{devkit}", "val")) == 1


def test_without_a_test_split_val_is_tested_on_and_not_trained_on(devkit):
    (devkit / "ImageSets" / "Main" / "test.txt").unlink()
    train, test = open_boxed_images(f"voc:{devkit}"), open_test_images(f"voc:{devkit}", ("cup", "plate"))
    assert [one[-5] for one in train.images.ids] == ["a"]
    assert [one[-5] for one in test.images.ids] == ["b"]


def test_another_source_is_tested_on_by_its_test_split_or_all(devkit, flat):
    names = ("cup", "plate")
    assert len(open_test_images("voc:whatever", names, f"voc:{devkit}")) == 2
    assert len(open_test_images("voc:whatever", names, f"voc:{flat}")) == 4
    assert len(open_test_images("tfds:garments@train[:5]", None)) == 1000


def test_folders_by_split(tmp_path, write):
    for name, objects in OBJECTS.items():
        folder = tmp_path / ("train" if name in "ab" else "test")
        write(folder, folder, name, objects)
    assert [len(open_boxed_images(f"voc:{tmp_path}", split)) for split in ("train", "test")] == [2, 2]


def test_images_are_there_for_pre_training_too(devkit, flat):
    assert [one[-5] for one in open_source(f"voc:{devkit}").ids] == ["a", "b"]
    assert [one[-5] for one in open_source(f"voc:{devkit}", "test").ids] == ["c", "d"]
    assert len(open_source(f"voc:{flat}")) == 4


def test_boxes_beyond_the_image_are_cut_and_empty_ones_left_out(flat, write):
    strange = [
        ("cup", (100, 50, 140, 130), False),
        ("cup", (130, 10, 140, 20), False),
        ("cup", (30, 30, 20, 40), False),
        ("cup", (10, 10, 9, 30), False),
    ]
    write(flat, flat, "e", strange)
    boxed = open_boxed_images(f"voc:{flat}")
    np.testing.assert_array_equal(boxed.boxes[4].boxes, [[99, 49, 120, 100]])
    file = flat / "e.png"
    assert f"Boxes that reach beyond their image and are cut off at its edge: 1, the first in {file}." in boxed.notes
    outside = f"Boxes that lie outside their image or have no area, and are left out: 3, the first in {file}."
    assert outside in boxed.notes


def test_an_unknown_class_is_an_error(flat):
    with pytest.raises(
        InputError, match=r"`classes` must name every class of the annotations, cup.*a.xml with 'plate'"
    ):
        open_boxed_images(f"voc:{flat}", class_names=("cup",))


def test_files_that_cannot_be_read_are_left_out_and_told(flat, write):
    for name in "efghijklmnopqrstuvwx":
        write(flat, flat, name, OBJECTS["a"])
    (flat / "e.xml").write_text("<annotation><object>")
    (flat / "f.xml").write_text("<annotation><object><name>cup</name></object></annotation>")
    boxed = open_boxed_images(f"voc:{flat}")
    assert len(boxed) == 22
    assert [file.reason for file in boxed.images.bad_files][1] == "has no name or no bndbox in object 1"
    assert f"Files that are left out: 2, the first {flat / 'e.xml'}, which cannot be read" in boxed.notes[-1]
    (flat / "g.png").unlink()
    with pytest.raises(InputError, match=r"with 3 bad files of 24, such as .*e.xml"):
        open_boxed_images(f"voc:{flat}")


@pytest.mark.parametrize(
    ("source", "split", "message"),
    [
        ("voc:/no/such/folder", "train", "`data` must name an existing folder"),
        ("voc:{empty}", "train", "must hold at least one annotation"),
        ("voc:{flat}", "test", "must have the split 'test'. Received: voc:.* without splits"),
        ("voc:{devkit}", "holiday", "must have the split 'holiday'. Received: .* with test, train, trainval, val"),
        ("dir:{flat}", "train", "`data` must be voc:PATH or tfds:NAME, which have boxes"),
        ("tfds:fashion_mnist", "train", "must have `objects` with `bbox` and `label`"),
    ],
)
def test_bad_sources_are_told(flat, devkit, tmp_path, source, split, message):
    (tmp_path / "empty").mkdir()
    places = {"flat": flat, "devkit": devkit, "empty": tmp_path / "empty"}
    with pytest.raises(InputError, match=message):
        open_boxed_images(source.format(**places), split)


def test_a_list_of_images_without_annotations_is_told(devkit):
    (devkit / "ImageSets" / "Main" / "train.txt").write_text("a\nz\n")
    with pytest.raises(InputError, match="train.txt lists 1 without, the first 'z'"):
        open_boxed_images(f"voc:{devkit}")


def test_garments_have_exact_boxes():
    """The brightest pixels of a canvas' edge rows lie in the box, and none beyond belongs to the garment."""
    boxed = open_boxed_images("tfds:garments", "test")
    assert (len(boxed), len(boxed.class_names)) == (1000, 10)
    assert boxed.notes == []
    for index in range(20):
        image, found = boxed.images.read(index)[..., 0], boxed.boxes[index]
        assert image.shape == (96, 96)
        assert (found.boxes == np.round(found.boxes)).all()
        for left, top, right, bottom in found.boxes.astype(int):
            inside = image[top:bottom, left:right] >= 16
            assert inside[0].any()
            assert inside[-1].any()
            assert inside[:, 0].any()
            assert inside[:, -1].any()
    train = open_boxed_images("tfds:garments", "train[:10]")
    assert len(train) == 10


@pytest.mark.parametrize("in_memory", [True, False])
def test_boxes_are_those_of_their_image_in_many_shards(tmp_path, monkeypatch, in_memory):
    """TFDS reads several shards in turn, if it is not told otherwise."""
    import tensorflow_datasets as tfds

    builder = garments.Garments(data_dir=str(tmp_path))
    monkeypatch.setattr(garments, "CANVASES", {"train": 4, "test": 80})
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=4))
    assert builder.info.splits["test"].num_shards == 4
    monkeypatch.setattr(tfds_images, "prepared_builder", lambda *_: builder)
    monkeypatch.setattr(tfds_boxes, "prepared_builder", lambda *_: builder)
    monkeypatch.setattr(tfds_images, "_MEMORY_SHARE", 0.25 if in_memory else 0.0)
    images, boxes, _ = tfds_boxes.open_tfds_boxes("garments", "test", "tfds:garments")
    assert len(boxes) == 80
    for index, found in enumerate(boxes):
        image = images.read(index)[..., 0]
        for left, top, right, bottom in found.boxes.astype(int):
            inside = image[top:bottom, left:right] >= 16
            assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()

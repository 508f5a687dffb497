import numpy as np
import pytest
from PIL import Image

from cpc_keras.data.budgets import Budget
from cpc_keras.data.labelled_sources import open_labelled_images
from cpc_keras.errors import InputError


def write_tiles(folder, photographs, names):
    for index, name in enumerate(names):
        Image.fromarray(photographs[index % 2][:40, 20 * index : 20 * index + 40]).save(folder / name)


def test_what_is_odd_about_the_data_is_said(uneven):
    images = open_labelled_images(f"csv:{uneven}", channels=3, cross_validate=True)
    said = " ".join(images.notes)
    assert "have one labelled image only: 'rare'" in said
    assert "cross-validated over 5 folds of 28 images" in said
    assert "uneven, from 8 to 20 labelled images" in said
    assert "broken.png" in said
    assert images.affords(Budget("per_class", 6)) and not images.affords(Budget("per_class", 7))


def test_without_cross_validation_a_fifth_of_each_class_is_held_out(uneven):
    images = open_labelled_images(f"csv:{uneven}", channels=3)
    assert np.bincount(images.test.labels, minlength=3).tolist() == [2, 0, 4]  # flower, rare, sky
    assert 1 in images.train.labels
    assert not set(images.train.ids) & set(images.test.ids)


def test_images_set_apart_are_not_trained_on(uneven):
    everything = open_labelled_images(f"csv:{uneven}", channels=3, cross_validate=True)
    apart = frozenset(everything.train.ids[:5])
    images = open_labelled_images(f"csv:{uneven}", channels=3, cross_validate=True, apart=apart)
    assert len(images.train) == len(everything.train) - 5
    assert not apart & set(images.train.ids)


def test_classes_have_one_number_in_all_splits(tmp_path, photographs):
    """The test split shows a and c alone, and one class that training lacks."""
    rows = [("a", "train"), ("b", "train"), ("c", "train"), ("a", "test"), ("c", "test"), ("d", "test")]
    write_tiles(tmp_path, photographs, [f"{index}.png" for index in range(len(rows))])
    lines = [f"{index}.png,{label},{split}" for index, (label, split) in enumerate(rows)]
    (tmp_path / "labels.csv").write_text("path,label,split\n" + "\n".join(lines) + "\n")
    images = open_labelled_images(f"csv:{tmp_path / 'labels.csv'}", channels=3)
    assert images.train.class_names == images.test.class_names == ("a", "b", "c", "d")
    assert images.test.labels.tolist() == [0, 2, 3]
    assert any("No training image shows these classes" in note and "'d'" in note for note in images.notes)


def test_what_a_csv_may_look_like(tmp_path, photographs):
    """Rows that are listed twice count once, rows without a label are left out, no split is training."""
    write_tiles(tmp_path, photographs, [f"{index}.png" for index in range(7)])
    rows = ["0.png,a,", "0.png,a,", "./0.png,a,", "1.png,b,", "2.png,,", "3.png,a,test", "4.png,b,test", "5.png,b,"]
    (tmp_path / "labels.csv").write_text("path,label,split\n" + "\n".join(rows) + "\n")
    images = open_labelled_images(f"csv:{tmp_path / 'labels.csv'}", channels=3)
    assert images.train.labels.tolist() == [0, 1, 1]
    assert images.test.labels.tolist() == [0, 1]
    (tmp_path / "torn.csv").write_text("path,label\n0.png,a\n1.png,b\n0.png,b\n")
    with pytest.raises(InputError, match="`data` must name a file with one label and split. Received: .* line 4"):
        open_labelled_images(f"csv:{tmp_path / 'torn.csv'}", channels=3)


def test_images_are_set_apart_by_whatever_path_they_are_named(uneven):
    everything = open_labelled_images(f"csv:{uneven}", channels=3, cross_validate=True)
    folder, _, name = everything.train.ids[0].rpartition("/")
    images = open_labelled_images(
        f"csv:{uneven}", channels=3, cross_validate=True, apart=frozenset({f"{folder}/../{uneven.parent.name}/{name}"})
    )
    assert len(images.train) == len(everything.train) - 1


def test_a_folder_may_have_an_at_sign_in_its_name(tmp_path, photographs):
    for split in ("train", "test"):
        for label in ("a", "b"):
            (tmp_path / "mine@home" / split / label).mkdir(parents=True)
            write_tiles(tmp_path / "mine@home" / split / label, photographs, ["0.png", "1.png"])
    images = open_labelled_images(f"classes:{tmp_path / 'mine@home'}", channels=3)
    assert (len(images.train), len(images.test)) == (4, 4)


@pytest.mark.parametrize("mark", ["", "-1"])
def test_a_test_split_without_labels_gives_way_to_the_next(tmp_path, photographs, mark):
    write_tiles(tmp_path, photographs, [f"{index}.png" for index in range(9)])
    labels = ["a,train"] * 2 + ["b,train"] * 2 + ["a,Valid", "b,Valid"] + [f"{mark},test"] * 3
    lines = "\n".join(f"{index}.png,{label}" for index, label in enumerate(labels))
    (tmp_path / "labels.csv").write_text(f"path,label,split\n{lines}\n")
    images = open_labelled_images(f"csv:{tmp_path / 'labels.csv'}", channels=3)
    assert images.test.split == "validation" and images.test.labels.tolist() == [0, 1]
    assert "The split 'test' has no labels (images: 3), so nothing can be tested on it." in images.notes
    (tmp_path / "labels.csv").write_text(f"path,label,split\n{lines.replace('Valid', 'train')}\n")
    assert "a fifth of each class" in open_labelled_images(f"csv:{tmp_path / 'labels.csv'}", channels=3).test.split


def test_which_part_is_uneven_is_said(tmp_path, photographs):
    write_tiles(tmp_path, photographs, [f"{index}.png" for index in range(9)])
    labels = ["a,train", "b,train", "a,train", "b,train", "a,test", *["b,test"] * 4]
    lines = "\n".join(f"{index}.png,{label}" for index, label in enumerate(labels))
    (tmp_path / "labels.csv").write_text(f"path,label,split\n{lines}\n")
    images = open_labelled_images(f"csv:{tmp_path / 'labels.csv'}", channels=3)
    assert any(note.startswith("Classes of the test images are uneven, from 1 to 4") for note in images.notes)


def test_a_class_that_is_never_tested_is_named(uneven):
    images = open_labelled_images(f"csv:{uneven}", channels=3)
    assert "No test image shows these classes, so figures say nothing of them: 'rare'." in images.notes
    with pytest.raises(InputError, match=r"must lie in \[1, 1\], the size of the smallest class, 'rare'"):
        images.splits([Budget("per_class", 3)], 0)


def test_classes_of_one_image_each_leave_nothing_to_test_on(tmp_path, photographs):
    for label in "abc":
        (tmp_path / label).mkdir()
        write_tiles(tmp_path / label, photographs, ["1.png"])
    with pytest.raises(InputError, match="a class of two images.*with 3 labelled images, each of a class of its own"):
        open_labelled_images(f"classes:{tmp_path}", channels=3)
    with pytest.raises(InputError, match="at least two classes"):
        open_labelled_images(f"classes:{tmp_path}", channels=3, cross_validate=True)


def test_kaggles_folders(tmp_path, photographs):
    """Labelled folders for training, flat images without labels for a competition's test."""
    for folder in ("train/a", "train/b", "test"):
        (tmp_path / folder).mkdir(parents=True)
        write_tiles(tmp_path / folder, photographs, ["1.png", "2.png", "3.png", "4.png", "5.png"])
    images = open_labelled_images(f"classes:{tmp_path}", channels=3)
    assert images.train.class_names == ("a", "b")
    assert "The split 'test' has no labels (images: 5), so nothing can be tested on it." in images.notes
    assert (len(images.train), len(images.test)) == (8, 2)

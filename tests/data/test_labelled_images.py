import numpy as np
import pytest
from PIL import Image

from cpc_keras.data.budgets import Budget, read_list
from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import FOLDS, LabelledImages, open_labelled_images
from cpc_keras.errors import InputError


@pytest.fixture
def uneven(photographs, tmp_path):
    """Tiles of two photographs in three classes of 20, 8 and 1, and a file that is no image; a CSV of them."""
    rows = ["path,label"]
    for label, count in (("sky", 20), ("flower", 8), ("rare", 1)):
        for index in range(count):
            top, left = 16 * index, 24 * (index % 8)
            tile = photographs[label == "flower"][top % 380 : top % 380 + 40, left : left + 48]
            Image.fromarray(tile).save(tmp_path / f"{label}{index}.png")
            rows.append(f"{label}{index}.png,{label}")
    (tmp_path / "broken.png").write_text("no image")
    (tmp_path / "labels.csv").write_text("\n".join([*rows, "broken.png,sky"]) + "\n")
    return tmp_path / "labels.csv"


@pytest.fixture
def with_test_split():
    labels = np.arange(60) % 3
    images = np.random.default_rng(0).integers(0, 255, (60, 8, 8, 1), "uint8")
    return LabelledImages(from_arrays(images, labels), from_arrays(images[:30], labels[:30]))


def test_with_a_test_split_there_is_one_part(with_test_split):
    budgets = [Budget("per_class", 2), Budget("fraction", 0.5)]
    splits = with_test_split.splits(budgets, seed=0)
    (small,), (large,) = (splits[budget] for budget in budgets)
    assert set(small.train) < set(large.train) and len(large.train) == 30
    assert small.test.tolist() == list(range(30))
    assert np.array_equal(small.unlabelled, large.unlabelled)


def test_without_one_every_image_is_tested_once_by_others(uneven):
    images = open_labelled_images(f"csv:{uneven}", channels=3, cross_validate=True)
    splits = images.splits([Budget("fraction", 1.0), Budget("per_class", 3)], seed=0)
    for folds in splits.values():
        assert len(folds) == FOLDS
        assert sorted(np.concatenate([one.test for one in folds])) == list(range(len(images.train)))
        for one in folds:
            assert not set(one.train) & set(one.test)
            assert not set(one.unlabelled) & set(one.test)
            assert set(one.train) <= set(one.unlabelled)
    other = images.splits([Budget("per_class", 3)], seed=1)
    assert other[Budget("per_class", 3)][0].test.tolist() != splits[Budget("per_class", 3)][0].test.tolist()


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


def test_a_list_is_used_as_it_is(with_test_split, tmp_path):
    ids = [with_test_split.train.ids[position] for position in (7, 1, 40)]
    (tmp_path / "mine.txt").write_text("# of mine\n" + "\n".join(ids) + "\n\n")
    budget = read_list(tmp_path / "mine.txt")
    (one,) = with_test_split.splits([budget], seed=3)[budget]
    assert one.train.tolist() == [1, 7, 40]
    assert (budget.name, str(budget)) == ("list-mine", "list mine")


def test_a_list_may_name_files_without_their_folders(uneven):
    images = open_labelled_images(f"csv:{uneven}", channels=3)
    names = [one.rpartition("/")[2] for one in images.train.ids[:3]]
    (one,) = images.splits([Budget("list", "mine", tuple(names))], 0)[Budget("list", "mine", tuple(names))]
    assert one.train.tolist() == [0, 1, 2]


def test_refusals(with_test_split, uneven, tmp_path):
    with pytest.raises(InputError, match="`--subset` must name images of arrays.* 1 of 1 lines unknown.* 'nobody'"):
        with_test_split.splits([Budget("list", "mine", ("nobody",))], 0)
    with pytest.raises(InputError, match="Label budgets must differ"):
        with_test_split.splits([Budget("per_class", 2), Budget("fraction", 0.1)], 0)
    with pytest.raises(InputError, match="`--subset` must be a readable text file"):
        read_list(tmp_path / "gone.txt")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(InputError, match="`--subset` must list at least one image"):
        read_list(tmp_path / "empty.txt")
    crossed = open_labelled_images(f"csv:{uneven}", channels=3, cross_validate=True)
    with pytest.raises(InputError, match="`--subset` needs a test split"):
        crossed.splits([Budget("list", "mine", ("sky0.png",))], 0)


def write_tiles(folder, photographs, names):
    for index, name in enumerate(names):
        Image.fromarray(photographs[index % 2][:40, 20 * index : 20 * index + 40]).save(folder / name)


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


def test_very_few_labels_have_fewer_folds():
    labels = np.arange(8) % 2
    images = LabelledImages(from_arrays(np.zeros((8, 4, 4, 1), "uint8"), labels), None)
    (folds,) = images.splits([Budget("fraction", 1.0)], 0).values()
    assert len(folds) == images.folds == 4
    assert images.split == "cross-validated, 4 folds of all"
    assert images.affords(Budget("per_class", 2)) and not images.affords(Budget("per_class", 3))  # that is all of them


def test_images_are_set_apart_by_whatever_path_they_are_named(uneven):
    everything = open_labelled_images(f"csv:{uneven}", channels=3, cross_validate=True)
    folder, _, name = everything.train.ids[0].rpartition("/")
    images = open_labelled_images(
        f"csv:{uneven}", channels=3, cross_validate=True, apart=frozenset({f"{folder}/../{uneven.parent.name}/{name}"})
    )
    assert len(images.train) == len(everything.train) - 1


def test_a_picture_replaced_under_its_name_is_another_picture(uneven, photographs):
    before = open_labelled_images(f"csv:{uneven}", channels=3, cross_validate=True)
    known = before.digest
    Image.fromarray(photographs[0][:40, :48]).save(before.train.ids[0])
    after = open_labelled_images(f"csv:{uneven}", channels=3, cross_validate=True)
    assert after.digest != known


def test_lists_of_train_and_test_have_a_boundary():
    images = from_arrays(np.arange(6, dtype="uint8").reshape(6, 1, 1, 1), np.arange(6) % 2)
    parts = [(images.subset(range(n)), images.subset(range(n, 6))) for n in (3, 4)]
    assert len({LabelledImages(train, test).digest for train, test in parts}) == 2


def test_a_folder_may_have_an_at_sign_in_its_name(tmp_path, photographs):
    for split in ("train", "test"):
        for label in ("a", "b"):
            (tmp_path / "mine@home" / split / label).mkdir(parents=True)
            write_tiles(tmp_path / "mine@home" / split / label, photographs, ["0.png", "1.png"])
    images = open_labelled_images(f"classes:{tmp_path / 'mine@home'}", channels=3)
    assert (len(images.train), len(images.test)) == (4, 4)

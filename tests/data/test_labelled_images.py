import numpy as np
import pytest
from PIL import Image

from cpc_keras.data.budgets import Budget, read_list
from cpc_keras.data.image_set import from_arrays
from cpc_keras.data.labelled_images import FOLDS, LabelledImages
from cpc_keras.data.labelled_sources import open_labelled_images
from cpc_keras.errors import InputError


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


def test_a_list_is_used_as_it_is(with_test_split, tmp_path):
    ids = [with_test_split.train.ids[position] for position in (7, 1, 40)]
    (tmp_path / "mine.txt").write_text("# of mine\n" + "\n".join(ids) + "\n\n")
    budget = read_list(tmp_path / "mine.txt")
    (one,) = with_test_split.splits([budget], seed=3)[budget]
    assert one.train.tolist() == [1, 7, 40]
    assert (budget.name, str(budget)) == ("list-mine", "list mine")


@pytest.mark.parametrize("folders", [0, 1, 2])
def test_a_list_may_name_files_from_any_folder_on(uneven, folders):
    images = open_labelled_images(f"csv:{uneven}", channels=3)
    names = ["/".join(one.split("/")[-1 - folders :]) for one in images.train.ids[:3]]
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


def test_very_few_labels_have_fewer_folds():
    labels = np.arange(8) % 2
    images = LabelledImages(from_arrays(np.zeros((8, 4, 4, 1), "uint8"), labels), None)
    (folds,) = images.splits([Budget("fraction", 1.0)], 0).values()
    assert len(folds) == images.folds == 4
    assert images.split == "cross-validated, 4 folds of all"
    assert images.affords(Budget("per_class", 2)) and not images.affords(Budget("per_class", 3))  # that is all of them


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

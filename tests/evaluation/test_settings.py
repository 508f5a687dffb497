import pytest

from cpc_keras.config.files import recipe_text
from cpc_keras.errors import InputError
from cpc_keras.evaluation.settings import TunedSetting, load_settings

FIELDS = {
    "regime": "linear",
    "kind": "tuned",
    "subset": "abc",
    "trials": 3,
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "weight_decay": 0.01,
    "dropout": 0.3,
    "step_multiplier": 0.5,
    "translation": 0.0,
    "pooling": "mean",
    "fraction": 0.01,
}


def kept(path, **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(recipe_text(TunedSetting(**{**FIELDS, **changes}), "Found."))
    return path


def test_comes_back_as_it_was_written(tmp_path):
    found = TunedSetting(**FIELDS)
    assert load_settings([kept(tmp_path / "any.py")]) == [found]
    assert str(found.budget) == "1 %"
    assert found.setting["pooling"] == "mean" and "head" not in found.setting and "trials" not in found.setting


def test_folders_are_looked_through(tmp_path):
    kept(tmp_path / "a" / "tuned.py")
    kept(tmp_path / "a" / "default.py", kind="default")
    kept(tmp_path / "b" / "tuned.py", subset="other")
    kept(tmp_path / "b" / "recipe.py", subset="unread")
    assert [(one.kind, one.subset) for one in load_settings([tmp_path, tmp_path / "a"])] == [
        ("default", "abc"),
        ("tuned", "abc"),
        ("tuned", "other"),
    ]


def test_two_searches_of_the_same_labels_are_refused(tmp_path):
    kept(tmp_path / "a" / "tuned.py")
    kept(tmp_path / "b" / "tuned.py", dropout=0.5)
    with pytest.raises(InputError, match="one search a regime and label subset. Received: .*a/tuned.py and .*b/tuned"):
        load_settings([tmp_path])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"regime": "frozen"}, "`regime` must be one of"),
        ({"pooling": None}, "`pooling` must be set where regime='linear'"),
        ({"regime": "finetune"}, "`head` must be set where regime='finetune'"),
        ({"labels_per_class": 5}, "`labels_per_class` or `fraction` must be set, and not both"),
        ({"dropout": 2.0}, "`dropout` must lie in [0, 1]"),
    ],
)
def test_wrong_fields_are_named(changes, words):
    with pytest.raises(InputError) as caught:
        TunedSetting(**{**FIELDS, **changes})
    assert words in str(caught.value)


def test_missing_fields_are_named(tmp_path):
    path = tmp_path / "tuned.py"
    path.write_text('regime = "linear"\nkind = "tuned"\n')
    with pytest.raises(InputError, match="must set subset, trials"):
        load_settings([path])


def test_the_names_of_version_0_1_are_read(tmp_path):
    path = kept(tmp_path / "tuned.py")
    former = path.read_text().replace("step_multiplier", "passes").replace("translation", "shift")
    path.write_text(former.replace("pooling", "view"))
    assert load_settings([path]) == [TunedSetting(**FIELDS)]

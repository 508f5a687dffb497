"""Which trackers there are, and what is said where one is not installed."""

import sys

import pytest

from cpc_keras.config.files import load_recipe
from cpc_keras.config.recipe import Recipe
from cpc_keras.errors import InputError
from cpc_keras.trackers.tracker import Tracker, check_tracker
from cpc_keras.trackers.tracking import CLASSES, _class


def test_recipes_may_name_each():
    for name in (None, *CLASSES):
        assert Recipe(steps=1, tracker=name).tracker == name
    for name in CLASSES:
        assert issubclass(_class(name), Tracker)


def test_an_unknown_one_is_refused_in_one_line():
    with pytest.raises(
        InputError, match=r"`tracker` must be one of \(None, 'mlflow', 'wandb'\). Received: tracker='x'"
    ):
        load_recipe("fashion_mnist", ["tracker=x"])


@pytest.mark.parametrize("name", CLASSES)
def test_one_that_is_not_installed_is_named_with_its_extra(name, monkeypatch):
    check_tracker(name)
    check_tracker(None)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=rf"`tracker={name}` needs {name}: pip install 'cpc-keras\[{name}\]'"):
        check_tracker(name)


def test_a_folder_that_is_called_as_a_package_is_none(monkeypatch, tmp_path):
    (tmp_path / "wandb").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    with pytest.raises(InputError, match="needs wandb"):
        check_tracker("wandb")

"""Keras finds every class of the package, imported or not."""

import pathlib
import re
import sys

import keras
import pytest

import cpc_keras
from cpc_keras.backend.keras_import import when_keras_is_imported
from cpc_keras.backend.saved_classes import HOMES, PACKAGE, _stand_in
from cpc_keras.layers import GridPooling

SOURCES = pathlib.Path(cpc_keras.__file__).parent


def test_every_registered_class_is_listed_with_its_module():
    found = {}
    for path in SOURCES.rglob("*.py"):
        for name in re.findall(r'serializable\(package="cpc_keras"\)\n(?:class|def) (\w+)', path.read_text()):
            found[name] = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
    assert found == HOMES


def test_all_are_known_to_keras():
    assert {f"{PACKAGE}>{name}" for name in HOMES} <= set(keras.saving.get_custom_objects())


@pytest.mark.parametrize("name", HOMES)
def test_modules_register_the_class_itself_in_place_of_what_stands_for_it(name):
    module = __import__(f"{PACKAGE}.{HOMES[name]}", fromlist=[name])
    assert keras.saving.get_registered_object(f"{PACKAGE}>{name}") is getattr(module, name)


def test_what_stands_for_a_class_makes_its_objects():
    made = _stand_in("GridPooling", "cpc_keras.layers.grid_pooling").from_config({"cells": 2})
    assert type(made) is GridPooling and made.cells == 2


def test_keras_that_is_imported_already_is_not_waited_for():
    before, told = list(sys.meta_path), []
    when_keras_is_imported(lambda: told.append("now"))
    assert told == ["now"] and sys.meta_path == before

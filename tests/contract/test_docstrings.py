"""The examples in docstrings run."""

import doctest
import importlib
import pathlib
import warnings

import pytest

import cpc_keras

PACKAGE = pathlib.Path(cpc_keras.__file__).parent
MODULES = [
    ".".join(("cpc_keras", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] != "recipes"
]


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    module = importlib.import_module(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


@pytest.mark.parametrize("package", ["layers", "losses", "models", "data", "evaluation", "export", "tuning"])
def test_every_public_symbol_has_an_example_or_arguments(package):
    module = importlib.import_module(f"cpc_keras.{package}")
    for name in module.__all__:
        if isinstance(getattr(module, name), dict):  # a table, which its module documents
            continue
        text = getattr(module, name).__doc__
        assert text, name
        assert ">>>" in text or "Args:" in text or "Attributes:" in text, name

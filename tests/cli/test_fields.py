import dataclasses
import inspect
import json

import pytest

from cpc_keras.cli.fields import field_list, field_table
from cpc_keras.config.detection_recipe import DetectionRecipe
from cpc_keras.config.fields import default_of
from cpc_keras.config.recipe import PATCH_FIELDS, Recipe
from cpc_keras.errors import InputError
from cpc_keras.layers import PatchAugmentation


def rows(*given, **kwargs):
    return {str(row.cells[0]): (*map(str, row.cells[1:]), row.total) for row in field_table(*given, **kwargs).rows}


def test_every_field_is_listed_with_its_default_bounds_and_text():
    listed = rows()
    assert set(listed) == {field.name for field in dataclasses.fields(Recipe)}
    assert listed["steps"][:2] == ("None", "be positive")
    assert listed["normalization"][:2] == ("'layer'", "be 'layer', 'batch' or 'none'")
    assert listed["max_bad_share"] == ("0.1", "lie in [0, 1]", "Share of unreadable files that is put up with.", False)
    assert all(text.endswith(".") for _, _, text, _ in listed.values())
    assert rows(detection=True)["data"][0] == "(required)"


def test_what_a_recipe_sets_stands_out():
    listed = rows("fashion_mnist")
    assert listed["patch_size"][0] == "12" and listed["patch_size"][-1]
    assert not listed["beta_1"][-1]
    assert set(rows("voc2007_faster_rcnn")) == {field.name for field in dataclasses.fields(DetectionRecipe)}
    with pytest.raises(InputError, match="`RECIPE` must be an existing file"):
        rows("nothing")


def test_who_says_which_recipe_it_is_is_told_what_is_wrong_with_that(tmp_path):
    (tmp_path / "mine.py").write_text('data = "voc:here"\nrpn_width = "broad"\n')
    with pytest.raises(InputError, match="`rpn_width`"):
        rows(str(tmp_path / "mine.py"), detection=True)


def test_patch_fields_are_the_signature_of_the_layer():
    """The recipe reads it from the source, so that it need not import Keras."""
    signature = inspect.signature(PatchAugmentation.__init__).parameters
    arguments = {name: one.default for name, one in signature.items() if name not in ("self", "seed", "kwargs")}
    fields = {field.name: field for field in dataclasses.fields(Recipe)}
    assert {name: f"patch_{name}" for name in arguments} == PATCH_FIELDS
    for name, default in arguments.items():
        assert default_of(fields[f"patch_{name}"]) == default
        assert fields[f"patch_{name}"].metadata["text"] in " ".join(PatchAugmentation.__doc__.split())


def test_programs_read_the_same():
    listed = {one["field"]: one for one in field_list("fashion_mnist")}
    assert set(listed) == set(rows())
    assert (listed["patch_size"]["value"], listed["patch_size"]["required"]) == (12, False)
    assert listed["normalization"]["choices"] == ("layer", "batch", "none")
    assert [one["field"] for one in field_list(detection=True) if one["required"]] == ["data"]
    json.dumps(list(listed.values()))

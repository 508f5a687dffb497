"""What a recipe for detection may hold."""

import pytest

from cpc_keras.config.detection_recipe import DetectionRecipe
from cpc_keras.config.files import load_recipe
from cpc_keras.errors import InputError

TEXT = '"""Mine."""\ndata = "voc:here"\nfractions = (0.1, 1.0)\n'


def load(tmp_path, *overrides):
    path = tmp_path / "mine.py"
    path.write_text(TEXT)
    return load_recipe(path, overrides, DetectionRecipe)


def test_steps_and_seeds_are_one_number_or_one_for_each_fraction(tmp_path):
    recipe = load(tmp_path, "steps=(50, 200)", "seeds=3")
    assert [recipe.of_fraction("steps", fraction) for fraction in recipe.fractions] == [50, 200]
    assert [recipe.of_fraction("seeds", fraction) for fraction in recipe.fractions] == [3, 3]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seeds=(1,2,3)", "`seeds` must be a whole number above 0, or one for each of the 2 fractions"),
        ("steps=0", "`steps` must be positive. Received: steps=0"),
        ("steps=(1.5, 2)", "`steps` must hold whole numbers. Received: steps=.1.5, 2."),
        ("anchor_sizes=()", "`anchor_sizes` must not be empty"),
        ("anchor_sizes='large'", "`anchor_sizes` must be"),
        ("anchor_ratios=(0, 1)", "Each of `anchor_ratios` must be positive"),
        ("fractions=(0.5, 2)", r"Each of `fractions` must lie in \(0, 1\]"),
        ("candidates=(100,)", "`candidates` must be two whole numbers"),
        ("proposals=(1.5, 2)", "`proposals` must hold whole numbers"),
        ("normalization='group'", "`normalization` must be one of"),
        ("score_threshold=2", r"`score_threshold` must lie in \[0, 1\]"),
        ("roi_size=0", "`roi_size` must be positive"),
        ("roi_size=300", "`roi_size` must be at most 256. Received: roi_size=300"),
        ("scales=(1, 1e9)", "Each of `scales` must be positive, at most 16"),
        ("scales=(1, 1e999)", "`scales` must be finite"),
        ("seeds=1000000000", "`seeds` must be at most 10,000"),
        ("candidates=(100, 10000000)", "Each of `candidates` must be positive, at most 1,000,000"),
        ("backbones=(1, 2)", "`backbones` must hold names"),
        ("seed=99999999999", "`seed` must be at most 2,147,483,647. Received: seed=99999999999"),
        ("anchors=3", r"fields must be known ones. Received: 'anchors' \(did you mean"),
        ("crop=28", "fields must be known ones. Received: 'crop'"),
    ],
)
def test_what_is_out_of_range_is_told(tmp_path, override, message):
    with pytest.raises(InputError, match=message):
        load(tmp_path, override)

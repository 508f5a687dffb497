import dataclasses
import inspect
import pathlib

import pytest

from cpc_keras.config.detection_recipe import DetectionRecipe
from cpc_keras.config.files import current_names, first_names, load_recipe
from cpc_keras.config.recipe import Recipe
from cpc_keras.errors import InputError
from cpc_keras.layers import PatchAugmentation

RECIPES = sorted(pathlib.Path(__file__).parents[2].joinpath("recipes").glob("*.py"))


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_that_come_along_are_read_and_explained(path):
    kind = DetectionRecipe if path.stem.endswith("faster_rcnn") else Recipe
    assert isinstance(load_recipe(path, kind=kind), kind)
    assert load_recipe(path, kind=kind) == load_recipe(path.stem, kind=kind)
    assert path.read_text().startswith('"""')


def test_mirrored_images_are_of_the_same_kind_but_for_letters():
    assert not load_recipe("letters").mirrored_alike
    assert load_recipe("pictograms").mirrored_alike  # images are mirrored
    assert load_recipe("imagenet_cpc_resnet170").mirrored_alike  # patches are


def test_reads_literals_and_overrides(write):
    path = write('"""Mine."""\nsteps = 100\noffsets = [1, 2]\nlearning_rate = -1e-3\n')
    recipe = load_recipe(path, ["learning_rate=2e-3", "crop=32", "data=dir:/some/where", "directions=('up',)"])
    assert (recipe.steps, recipe.offsets, recipe.learning_rate, recipe.crop) == (100, (1, 2), 2e-3, 32)
    assert recipe.data == "dir:/some/where"
    assert recipe.directions == ("up",)


@pytest.mark.parametrize(
    ("override", "holds"),
    [
        ("seed=3", True),
        ("minutes=None", True),
        ("tracker=mlflow", True),
        ("widths=(8, 8)", False),
        ("data=dir:x", False),
    ],
)
def test_a_learning_curve_is_that_of_its_recipe(write, override, holds):
    path = write("steps = 100\nminutes = 8\nlearning_curve = [[50, 0.1, 0.2], [100, 0.3, 0.4]]\n")
    assert load_recipe(path, [override]).learning_curve == (((50, 0.1, 0.2), (100, 0.3, 0.4)) if holds else ())


@pytest.mark.parametrize(("name", "own"), [("pictograms", {}), ("letters", {"flip": False, "patch_flip": 0.0})])
def test_the_other_real_sets_are_trained_on_as_a_folder_is(name, own):
    own |= {"data": f"classes:.cache/{name}", "labels_per_class": (1, 5, 20), "label_seeds": 5}
    assert load_recipe(name) == dataclasses.replace(load_recipe("folder"), **own)


@pytest.mark.parametrize(
    ("overrides", "length"),
    [
        (["steps=250"], (250, None, None)),
        (["epochs=3"], (None, 3, None)),
        (["epochs=3", "minutes=5"], (None, 3, 5)),
        (["minutes=5"], (None, 100, 5)),
        (["minutes=None"], (None, 100, None)),
        (["steps=None"], (None, 100, "auto")),
    ],
)
def test_how_long_a_run_is_may_be_said_anew_in_other_units(write, overrides, length):
    recipe = load_recipe(write("epochs = 100\nminutes = 'auto'\n"), overrides)
    assert (recipe.steps, recipe.epochs, recipe.minutes) == length


def test_nothing_is_executed(write, tmp_path):
    witness = tmp_path / "witness"
    path = write(f"steps = open({str(witness)!r}, 'w')\n")
    with pytest.raises(InputError, match="only a docstring and lines `name = literal`. Received: .*mine.py line 1"):
        load_recipe(path)
    assert not witness.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import os\nsteps = 1\n", "line 1"),
        ("steps = 1\npatchsize = 3\n", "known ones. Received: 'patchsize' .did you mean 'patch_size'"),
        ("steps = 1.5\n", "`steps` must be int or None. Received: steps=1.5"),
        ("steps = 1\nflip = 1\n", "`flip` must be bool"),
        ("steps = 1\ncrop = 'large'\n", "`crop` must be int or 'auto'. Received: crop='large'"),
        ("steps = 1\nscale = 'auto'\n", "`scale` must be float"),
        ("crop = 3\n", "`steps`, `epochs` or `minutes` must be set"),
        ("minutes = 'auto'\n", "`steps`, `epochs` or `minutes` must be set. Received: minutes='auto' alone"),
        ("steps = 1\nepochs = 1\n", "`steps` or `epochs` must be set, and not both"),
        ("steps = 0\n", "`steps` must be positive. Received: steps=0"),
        ("minutes = 0\n", "`minutes` must be positive. Received: minutes=0"),
        ("minutes = '8'\n", "`minutes` must be float or 'auto' or None"),
        ("steps = 1\nlearning_curve = ((5, 0.7),)\n", r"`learning_curve` must be rows of .*labels_per_class`, .5, 10."),
        ("steps = 1\nlearning_curve = ((5, 0.7, 70),)\n", r"`learning_curve` must be rows of .*in \[0, 1\]"),
        ("steps = 1\nlearning_curve = ((5, 0, 0), (5, 1, 1))\n", "`learning_curve` must be rows of steps, rising"),
        ("steps = 1\nlearning_curve = (5, 0.1, 0.2)\n", "`learning_curve` must be rows"),
        ("steps = 1\nlearning_curve = ((5, 'a', 0.2),)\n", "`learning_curve` must be rows"),
        ("steps = 1\nseed = -1\n", "`seed` must not be negative"),
        ("steps = 1\nseed = 99999999999\n", "`seed` must be at most 2,147,483,647. Received: seed=99999999999"),
        ("steps = 99999999999999999999\n", "`steps` must be at most 2,147,483,647"),
        (f"steps = {10**400}\n", r"`steps` must be finite. Received: steps=10+\.\.\.0+$"),
        (f"steps = 1{'0' * 5000}\n", "`RECIPE` must .*mine.py"),
        ("steps = 1e3\n", "`steps` must be int or None. Received: steps=1000.0"),
        ("steps = '1e3'\n", "`steps` must be int or None. Received: steps='1e3'"),
        ("minutes = 1e999\n", "`minutes` must be finite. Received: minutes=inf"),
        ("steps = 1\nlearning_rate = 1e12\n", "`learning_rate` must be at most 2,147,483,647"),
        ("steps = 1\nlearning_rate = -1e999\n", "`learning_rate` must be finite"),
        ("steps = 1\nshort_side = 100000\n", "`short_side` must be at most 32,768. Received: short_side=100000"),
        ("steps = 1\nbatch_size = 100000000\n", "`batch_size` must be at most 1,000,000"),
        ("steps = 1\nlabel_seeds = 1000000\n", "`label_seeds` must be at most 10,000"),
        ("steps = 1\nwidths = (64, 'a')\nblocks = (1, 1)\n", "`widths` must hold whole numbers"),
        ("steps = 1\nwidths = (64, 100000)\nblocks = (1, 1)\n", "Each of `widths` must be positive, at most 16,384"),
        ("steps = 1\nblocks = (2, 0)\n", "Each of `blocks` must be positive, at most 1,000. Received: blocks=.2, 0."),
        ("steps = 1\nblocks = (2, True)\n", "`blocks` must hold whole numbers"),
        ("steps = 1\noffsets = (2.5,)\n", "`offsets` must hold whole numbers"),
        (f"steps = 1\noffsets = {(1,) * 10_001}\n", r"`offsets` must have at most 10,000 entries. Received: 10,001"),
        ("steps = 1\ndirections = (1,)\n", "`directions` must hold names"),
        ("steps = 1\nfractions = (0.5, 1e999)\n", r"`fractions` must be finite. Received: fractions=.0.5, inf."),
        ("steps = 1\nfractions = (0, 0.5)\n", r"Each of `fractions` must lie in \(0, 1\]"),
        ("steps = 1\nlabels_per_class = (5, -5)\n", "Each of `labels_per_class` must be positive"),
        ("steps = 1\nlabels_per_class = 5\n", "`labels_per_class` must be tuple. Received: labels_per_class=5"),
        ("steps = 1\nablation = {'LP': {'crop': 1e999}}\n", "`ablation` must be finite"),
        ("steps = 1\npatch_primitives = 1000000000\n", "`patch_primitives` must be at most 100"),
        ("steps = 1\npatch_primitive_ranges = {'rotate': (0, 1e999)}\n", "`patch_primitive_ranges` must be finite"),
        ("steps = 1\npatch_hue = 1e999\n", "`patch_hue` must be finite"),
        ("steps = {[]: 1}\n", "only a docstring and lines `name = literal`"),
        (f"steps = {'-' * 100_000}1\n", "`RECIPE` must be a readable file. Received: .*mine.py"),
        ("steps = 1\npatch_contrast = 1.2\n", r"`patch_contrast` must lie in \[0, 1\]"),
        ("steps = 1\nencoder = 'vgg'\n", "`encoder` must be one of"),
        ("steps = 1\nwidths = (8,)\n", "`widths` and `blocks`"),
        ("steps = (\n", "must be a readable file. Received: .*mine.py line 1"),
        ("steps = 1\nbeta_2 = 1.0\n", r"`beta_2` must lie in \[0, 1\). Received: beta_2=1.0"),
        ("steps = 1\nschedule = 'linear'\n", "`schedule` must be one of"),
        ("steps = 1\ndecay_at = (3000,)\n", r"`decay_at` must be shares of the steps in \(0, 1\)"),
        ("steps = 5\naccumulate = 2\n", "`steps` must be a multiple of `accumulate`"),
        ("steps = 1\ndecay_at = ()\n", "`decay_at` must be shares of the steps"),
        (
            "steps = 1\nablation = {'LP': {'crop': 'auto'}}\n",
            "`ablation` must map .* none of them 'auto'",
        ),
        ("steps = 1\naccumulate = 0\n", "`accumulate` must be positive"),
        ("steps = 1\nwithout = ('XY',)\n", "`without` must name axes out of"),
        ("steps = 1\nablation = {'LP': {'patchsize': 3}}\n", "`ablation` must map an axis to fields of a recipe"),
        ("steps = 1\nablation = ()\n", "`ablation` must be dict"),
        ("steps = 1\npatch_primitive_ranges = ('rotate',)\n", "`patch_primitive_ranges` must be dict or None"),
    ],
)
def test_refusals(write, text, message):
    with pytest.raises(InputError, match=message) as error:
        load_recipe(write(text))
    assert "\n" not in str(error.value)


def test_refuses_unknown_names_and_overrides():
    with pytest.raises(InputError, match="`RECIPE` must be an existing file or the name of a recipe .*fashion_mnist"):
        load_recipe("no_such_recipe")
    with pytest.raises(InputError, match="`--set` must be KEY=VALUE. Received: steps"):
        load_recipe("fashion_mnist", ["steps"])


def test_patch_fields_are_the_arguments_of_the_layer_with_its_defaults():
    parameters = inspect.signature(PatchAugmentation.__init__).parameters
    defaults = {name: p.default for name, p in parameters.items() if name not in ("self", "seed", "kwargs")}
    assert Recipe(steps=1).patch_augmentation == defaults


def test_every_field_is_documented():
    for field in dataclasses.fields(Recipe):
        assert f"        {field.name}: " in Recipe.__doc__, field.name


def test_first_names_undo_the_present_ones_wherever_they_stand():
    fields = {"patch_greyscale": 0.5, "ablation": {"RC": {"patch_colour_dropping": 0.0}, "PA": None}}
    assert first_names(current_names(fields, Recipe), Recipe) == fields

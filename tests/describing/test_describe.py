import dataclasses
import io
import json
import math
import shutil

import numpy as np
import pytest
from rich.console import Console

from cpc_keras.config.files import load_recipe
from cpc_keras.config.recipe import Recipe
from cpc_keras.data.image_set import ImageSet
from cpc_keras.describing import describe, this_machine
from cpc_keras.describing.cautions import cautions
from cpc_keras.describing.recipe_figures import figures, settle
from cpc_keras.describing.speed import StepTimes
from cpc_keras.errors import InputError

# Everything can be counted by hand: 3 × 3 patches of 4 px, of which each becomes 4 × 4 × 2.
TINY = Recipe(
    steps=10,
    channels=1,
    crop=8,
    patch_size=4,
    stride=2,
    stem="small",
    widths=(2,),
    blocks=(1,),
    normalization="none",
    offsets=(2,),
    directions=("down",),
    target_dim=3,
    context_blocks=1,
    context_width=1,
    batch_size=5,
    patch_flip=0.5,
    precision="float32",
)
# Nothing to warn of.
SOUND = dataclasses.replace(TINY, normalization="layer", precision="mixed_bfloat16")


def described(recipe, **kwargs):
    page = io.StringIO()
    found = describe(recipe, Console(file=page, width=100, highlight=False, soft_wrap=True), **kwargs)
    return found, page.getvalue()


def image_set(count, side, channels):
    sizes = np.tile([side, side, channels], (count, 1))
    return ImageSet("test", "all", [str(i) for i in range(count)], lambda i: None, sizes)


def test_a_recipe_counted_by_hand():
    found = figures(TINY, accelerator="t4", utilisation=0.5)
    kernels = 3 * 3 * 1 * 2 + 2 * 3 * 3 * 2 * 2  # the stem; a block of two convolutions
    inside = 2 + 3 + 2 + 2  # 1×1, 1×3, 2×1, 1×1 of one channel inside
    assert found["parameters"] == {
        "encoder": kernels,
        "context_down": inside + 3 + 2,
        "predictors": 2 * 3 + 3,
        "targets": 2 * 3,
        "total": 90 + 14 + 9 + 6,
    }
    image = {
        "encoder": 2 * kernels * 16 * 9,
        "context_down": 2 * inside * 9,
        "predictors": 2 * 2 * 3 * 3,  # three queries
        "targets": 2 * 2 * 3 * 9,
        "logits": 2 * 3 * 3 * 45,
    }
    total = sum(image.values())
    assert found["flops"] == image | {"image": total, "step": 15 * total, "run": 150 * total}
    memory = found["memory"]
    assert (memory["weights"], memory["gradients"], memory["adam"]) == (4 * 119, 4 * 119, 8 * 119)
    assert (memory["average"], memory["accumulation"]) == (0, 0)
    assert memory["patches"] == 4 * 45 * 16
    assert memory["logits"] == memory["logits_by_task"]["down_2"] == 4 * 15 * 45
    # In a block the latents, two ReLUs and the taps of two convolutions, three and two.
    values = 9 * (16 + 3 * 32) + (9 * (2 + 2 + 3 + 2) + 18) + 3 * 2 + 9 * 2
    assert memory["activations"] == 4 * 5 * values
    assert memory["state"] == 16 * 119
    assert memory["total"] == 16 * 119 + memory["patches"] + memory["logits"] + memory["activations"]
    assert found["loss"] == {"candidates": 45, "chance": math.log(45), "queries": {"down_2": 3}}
    assert found["geometry"]["overlap"] == {"1": 2, "2": 0}
    assert found["encoder"] == {"name": "resnet", "latent_dim": 2, "map": [4, 4], "depth": 3}
    assert found["run"] == {"steps": 10, "batch_size": 5, "images": 50}
    on_t4 = found["accelerators"]["t4"]
    assert on_t4["devices"] == 1
    assert on_t4["hours_on_one"] == on_t4["hours_on_those"] == pytest.approx(150 * total / 65e12 / 0.5 / 3600)


def test_averages_and_precision_are_counted():
    plain, rich = (figures(recipe)["memory"] for recipe in (SOUND, dataclasses.replace(SOUND, average_decay=0.99)))
    assert rich["total"] - plain["total"] == rich["average"] == plain["weights"]
    single = figures(dataclasses.replace(SOUND, precision="float32"))["memory"]
    norms = 4 * 5 * 9 * 3 * 32  # float32 as it is
    assert single["activations"] - norms == 2 * (plain["activations"] - norms)
    assert single["logits"] == plain["logits"]


def test_statistics_of_batch_norm_have_no_moments():
    memory = figures(dataclasses.replace(SOUND, normalization="batch"))["memory"]
    # Three norms of two channels, with mean and variance.
    assert memory["weights"] - memory["gradients"] == 4 * 3 * 2 * 2


def test_fashion_mnist():
    found, page = described(load_recipe("fashion_mnist", ["channels=1"]), accelerator="h100")
    assert found["parameters"]["encoder"] == 169_056
    assert found["parameters"]["total"] == 421_216
    assert found["loss"]["candidates"] == 32 * 25
    assert found["loss"]["queries"] == dict.fromkeys(["down_3", "up_3", "right_3", "left_3"], 10)
    assert found["flops"]["image"] == pytest.approx(0.142e9, rel=0.01)
    assert found["warnings"] == {}
    assert "WARNING" not in page
    assert "5 × 5 patches of 12 px at stride 4" in page
    assert "ln 800 = 6.68" in page
    assert "    ▒ ▒ ▒ ▒ ▒\n    ▒ ▒ Q ▒ ▒\n    · · · · ·\n    · · · · ·\n    · · 3 · ·\n" in page
    assert "patch 2         ▒▒▒▒████████         px 8–19   offset 2: 4 px shared\n" in page
    assert "421,216" in page
    assert "▸ h100" in page
    assert "6,000 steps (192,000 images)" in page


@pytest.mark.parametrize("name", ["imagenet_cpc_v2_resnet161", "imagenet_cpc_resnet170"])
def test_the_large_published_recipes_need_no_images_and_no_memory(name):
    found, page = described(load_recipe(name), accelerator="h100")
    assert found["parameters"]["encoder"] == pytest.approx(303.6e6, rel=1e-3)
    assert found["memory"]["logits_by_task"]["down_3"] == 648 * 2**20
    assert found["loss"]["candidates"] == 18_432
    assert found["flops"]["encoder"] == pytest.approx(561e9, rel=0.01)
    assert set(found["warnings"]) == {"activations"}
    assert 1 < found["accelerators"]["h100"]["devices"] <= 512
    assert "Chosen as on an accelerator: precision='mixed_bfloat16'.\n" in page
    assert "at most 648.0 MiB each" in page


@pytest.mark.parametrize(
    ("name", "encoder", "weights", "total", "grid", "candidates", "queries"),
    [
        (
            "imagenet_cpc_v2_resnet50",
            {"name": "resnet50", "latent_dim": 2048, "map": [3, 3], "depth": 49},
            23_500_352,
            51_737_408,
            6,
            18_432,
            dict.fromkeys(["down_3", "up_3", "right_3", "left_3"], 18),
        ),
        (
            "imagenet_cpc_v1",
            {"name": "resnet101", "latent_dim": 1024, "map": [4, 4], "depth": 91},  # three of its four stacks
            27_446_336,
            32_043_072,
            7,
            25_088,
            {"down_2": 35, "down_3": 28, "down_4": 21, "down_5": 14},
        ),
    ],
)
def test_shapes_of_the_middling_published_recipes(name, encoder, weights, total, grid, candidates, queries):
    found, _ = described(load_recipe(name))
    assert found["encoder"] == encoder
    assert (found["parameters"]["encoder"], found["parameters"]["total"]) == (weights, total)
    assert (found["geometry"]["rows"], found["geometry"]["cols"]) == (grid, grid)
    assert (found["loss"]["candidates"], found["loss"]["queries"]) == (candidates, queries)


def test_figures_are_json():
    found, _ = described(TINY)
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"offsets": (1, 2)}, "overlap", "shares pixels with the last one seen (2 px at offset 1)"),
        ({"normalization": "batch"}, "batch_norm", "batch statistics tie the patches"),
        ({"normalization": "none", "blocks": (25,)}, "no_norm", "51 convolutions in a row without norms"),
        ({"patch_flip": 0.0}, "augmentation", "patches are not augmented"),
        ({"accumulate": 5}, "accumulation", "accumulating 5 batches adds no negatives"),
        ({"precision": "float32"}, "precision", "precision='float32' does not reach the peaks"),
    ],
)
def test_each_warning_where_it_is_due_and_no_other(fields, kind, words):
    assert figures(SOUND)["warnings"] == {}
    found, page = described(dataclasses.replace(SOUND, **fields))
    assert list(found["warnings"]) == [kind]
    assert words in found["warnings"][kind]
    assert page.count("WARNING: ") == 1
    assert words in page


def test_just_short_of_a_warning():
    near = dataclasses.replace(SOUND, normalization="none", blocks=(24,), offsets=(2,))
    assert figures(near)["warnings"] == {}
    for field in ("patch_primitives", "patch_grayscale", "patch_sub_crop"):
        augmented = dataclasses.replace(SOUND, patch_flip=0.0, **{field: 1})
        assert figures(augmented)["warnings"] == {}


@pytest.mark.parametrize(
    ("memory", "kinds"),
    [
        ({"state": 15}, {"weights"}),  # a T4 can fill 14.4 GiB
        ({"logits": 13}, set()),
        ({"logits": 14}, {"logits"}),
        ({"activations": 14}, {"activations"}),
        ({"activations": 13, "patches": 1}, {"activations"}),
        ({"activations": 13, "logits": 13}, set()),
        ({"activations": 500, "logits": 80}, {"activations", "logits", "devices"}),
    ],
)
def test_warnings_of_memory(memory, kinds):
    found = figures(SOUND, accelerator="t4")
    sizes = dict.fromkeys(("patches", "activations", "logits"), 0) | {"state": 1} | memory
    found["memory"] = {name: int(size * 2**30) for name, size in sizes.items()}
    found["accelerators"]["t4"]["devices"] = None if "devices" in kinds else 5
    warnings = cautions(SOUND, found)
    assert set(warnings) == kinds
    for kind in kinds - {"devices"}:
        assert "the 14.4 GiB that one NVIDIA T4" in warnings[kind]


def test_what_is_left_open_is_chosen_from_the_images():
    recipe = Recipe(epochs=2, short_side="auto", patch_flip=0.5)
    found, page = described(recipe, images=image_set(400, 300, 3))
    assert found["run"] == {"steps": 8, "batch_size": 100, "images": 800}
    assert found["geometry"]["crop"] == 256
    assert "Chosen as on an accelerator: channels=3, short_side=295, crop=256" in page
    assert "steps=8" in page


def test_what_is_odd_about_the_images_is_said(photo_folder, tmp_path):
    shutil.copytree(photo_folder, tmp_path / "im")
    (tmp_path / "im" / "cut.png").write_bytes(b"x")
    (tmp_path / "im" / "notes.txt").touch()
    recipe = Recipe(data=f"dir:{tmp_path / 'im'}", epochs=2, short_side="auto", minutes="auto")
    _, page = described(recipe)
    assert page.startswith(f"{recipe.data}: 16 images (all), ")
    assert "Note: Passed over: 1 .txt.\n" in page
    assert f"Note: Files that cannot be read: 1, the first {tmp_path / 'im' / 'cut.png'} (is not an image).\n" in page


def test_a_measured_step_says_how_long_it_takes_here(monkeypatch):
    """With fewer images a step where a whole batch is too much, and their time counted up by its operations."""
    monkeypatch.setattr(this_machine, "time_steps", lambda model, batches, seconds: StepTimes(1.0, (0.25,) * 9))
    found, page = described(dataclasses.replace(TINY, minutes=1), measure=True)
    expected = {"seconds_a_step": 0.25, "images_per_second": 20.0, "batch_size": 5, "steps": 9, "seconds": 2.5}
    assert found["this_machine"] == expected
    assert "): 20 images/s, measured over 9 steps of 5. 10 steps take about 2 s. In 1 minute all of them fit.\n" in page
    assert "\nIt computes in float32" in page

    one = figures(dataclasses.replace(TINY, batch_size=1))["flops"]["step"]
    monkeypatch.setattr(this_machine, "_OPERATIONS", 2.5 * one)
    found, page = described(dataclasses.replace(TINY, steps=None, minutes=1), measure=True)
    two, five = (figures(dataclasses.replace(TINY, batch_size=count))["flops"]["step"] for count in (2, 5))
    assert found["this_machine"]["seconds_a_step"] == pytest.approx(0.25 * five / two)
    assert found["run"]["steps"] == int(60 / (0.25 * five / two))
    assert "measured over 9 steps of 2 and counted up to 5. In 1 minute about" in page

    monkeypatch.setattr(this_machine, "_OPERATIONS", 0.5 * one)
    found, page = described(TINY, measure=True)
    assert found["this_machine"] is None
    assert "not tried, since a step of a single image takes 0.0 TFLOP and 0.0 GiB." in page


def test_minutes_alone_want_a_measurement():
    with pytest.raises(InputError, match="`steps` must be set, or the speed measured.* Received: minutes=3"):
        described(dataclasses.replace(TINY, steps=None, minutes=3))


def test_what_is_left_open_for_this_machine_is_said(monkeypatch):
    monkeypatch.setattr(this_machine, "_OPERATIONS", 0)
    recipe = Recipe(steps=2, short_side="auto", patch_flip=0.5, precision="float32")
    _, page = described(recipe, images=image_set(400, 300, 3), measure=True)
    assert "GiB, where short_side=111, crop=96, patch_size=32, stride=16, batch_size=32." in page


def test_switches_are_applied():
    assert settle(dataclasses.replace(TINY, directions=("down", "up"), without=("BU",))).directions == ("down",)


@pytest.mark.parametrize(
    ("fields", "arguments", "message"),
    [
        ({"stride": 3}, {}, "`stride` must divide"),
        ({"offsets": (3,)}, {}, r"`offsets` must lie in \[1, 2\]"),
        ({}, {"accelerator": "abacus"}, r"`accelerator` must be one of \('t4', .* Received: accelerator='abacus'"),
        ({}, {"utilisation": 0}, r"`utilisation` must lie in \(0, 1\]. Received: utilisation=0"),
        ({"data": "dir:/no/such/folder", "crop": "auto"}, {}, "`data` must name an existing folder"),
    ],
)
def test_bad_input_is_one_line(fields, arguments, message):
    with pytest.raises(InputError, match=message):
        described(dataclasses.replace(TINY, **fields), **arguments)

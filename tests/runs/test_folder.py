import json
import os
import shutil

import pytest
from PIL import Image

from cpc_keras.config.recipe import Recipe
from cpc_keras.data import open_source
from cpc_keras.errors import InputError
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.atomic import write_json
from tests.processes import finish, start


def test_settles_begins_and_opens(tmp_path):
    folder = RunFolder(tmp_path / "run")
    asked = Recipe(steps=5)
    resolved = Recipe(steps=5, crop=28)
    assert folder.settle(asked, lambda: resolved) == resolved
    assert not folder.path.exists()
    folder.begin(asked, resolved)
    description = json.loads(folder.recipe_file.read_text())
    assert description["recipe"]["crop"] == 28
    assert description["versions"]["keras"]
    assert folder.open() == resolved
    assert folder.settle(asked, lambda: pytest.fail("is resolved already")) == resolved


def test_a_run_of_an_older_version_is_known_again(tmp_path):
    """Its recipe has no fields that came later; a learning curve, whenever drawn, and a tracker make no other run."""
    folder = RunFolder(tmp_path)
    folder.begin(Recipe(steps=5), Recipe(steps=5))
    description = json.loads(folder.recipe_file.read_text())
    for recipe in (description["recipe"], description["asked"]):
        del recipe["minutes"], recipe["learning_curve"], recipe["tracker"]
    folder.recipe_file.write_text(json.dumps(description))
    for later in ({"learning_curve": ((5, 0.1, 0.2),)}, {"minutes": "auto"}):
        asked = Recipe(steps=5, **later)
        assert folder.settle(asked, lambda: pytest.fail("is resolved already")) == folder.open() == Recipe(steps=5)
    tracked = Recipe(steps=5, tracker="mlflow")
    assert folder.settle(tracked, lambda: pytest.fail("is resolved already")) == tracked  # where it is tracked now
    assert folder.fitted() is None
    with pytest.raises(InputError, match=r"minutes differ \(minutes=None there, 8 here\)"):
        folder.settle(Recipe(steps=5, minutes=8), lambda: None)


def test_refuses_another_recipe(tmp_path):
    folder = RunFolder(tmp_path)
    folder.begin(Recipe(steps=5), Recipe(steps=5))
    with pytest.raises(InputError, match=r"one of the same recipe.*steps differ \(steps=5 there, 6 here\)"):
        folder.settle(Recipe(steps=6), lambda: Recipe(steps=6))


def test_refuses_folders_that_are_no_runs(tmp_path):
    with pytest.raises(InputError, match="`RUN` must be the folder of a run"):
        RunFolder(tmp_path).open()
    (tmp_path / "recipe.json").write_text("{")
    with pytest.raises(InputError, match="`RUN` must have a readable recipe.json"):
        RunFolder(tmp_path).open()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "readable recipe.json. Received: .*recipe.json .Expecting value"),
        (b"\x00\xff\xfe", "readable recipe.json"),
        (b"[1, 2]", "it holds no dictionary but"),
        (b'{"asked": {}}', "it has no recipe"),
        (b'{"recipe": {}, "versions": "2"}', "its versions is '2'"),
        (b'{"recipe": {"steps": "many"}, "versions": {"cpc_keras": "9.9"}}', "written by 9.9 .`steps` must be int"),
        (b'{"recipe": {"of_tomorrow": 1}}', "recipe.json, written by None .A recipe's fields must be known ones"),
        (b'{"recipe": {"learning_curve": 3}}', "that cpc_keras .* can read. Received: .*recipe.json"),
    ],
)
def test_a_recipe_that_cannot_be_read_is_named_in_one_line(content, reason, tmp_path):
    """It is the one file of a run that cannot be computed again."""
    (tmp_path / "recipe.json").write_bytes(content)
    for use in (RunFolder(tmp_path).open, lambda: RunFolder(tmp_path).settle(Recipe(steps=5), Recipe)):
        with pytest.raises(InputError) as caught:
            use()
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=reason):
        RunFolder(tmp_path).open()


def test_a_folder_of_somebody_else_is_no_place_for_a_run(tmp_path):
    (tmp_path / "metrics.csv").write_text("theirs")
    with pytest.raises(InputError, match="must be a new folder or that of a run. Received: .*holds metrics.csv and no"):
        RunFolder(tmp_path).settle(Recipe(steps=5), Recipe)
    assert (tmp_path / "metrics.csv").read_text() == "theirs"


RECORD = {
    **{"method": "linear", "encoder": "cpc", "checkpoint": 2, "labels": 4, "seed": 0, "labels_per_class": 2},
    **{"fraction": None, "selected": {}, "top1": 0.5},
}


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "[3]", '[{"method": "linear"}]', "[NaN]"])
def test_lists_that_cannot_be_read_are_missing(content, tmp_path, capsys):
    folder = RunFolder(tmp_path)
    for file in (folder.label_efficiency_file, folder.source_file, folder.unfinished_file(3)):
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
    assert folder.records() is None
    assert folder.source() is None
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert all(line.startswith("Note: ") and line.endswith("counts as missing.") for line in said)
    write_json(folder.label_efficiency_file, [RECORD | {"of_tomorrow": 1}])
    assert folder.records()[0]["of_tomorrow"] == 1


def test_checkpoints_by_step(tmp_path):
    folder = RunFolder(tmp_path)
    folder.checkpoints.mkdir()
    assert folder.last_checkpoint() is None
    for step in (500, 0, 1000):
        folder.checkpoint_file(step).touch()
    for name in (".partial.keras", "step-00000500 (1).keras", "step-last.keras", "step-000001500.keras"):
        (folder.checkpoints / name).touch()
    assert folder.checkpoint_steps() == [0, 500, 1000]
    assert folder.last_checkpoint() == (1000, tmp_path / "checkpoints" / "step-00001000.keras")


def test_processes_that_write_the_same_file_do_not_disturb_each_other(tmp_path):
    """As evaluations of one run side by side do."""
    write = """
import sys
from cpc_keras.storage.atomic import write_json
for _ in range(300):
    write_json(sys.argv[1], [0] * 500)
"""
    path = tmp_path / "records.json"
    finish([start("-c", write, path, fresh=True) for _ in range(2)])
    assert json.loads(path.read_text()) == [0] * 500
    assert [file.name for file in tmp_path.iterdir()] == ["records.json"]


def test_images_are_found_from_elsewhere_and_where_all_was_moved(tmp_path, monkeypatch, photographs):
    for folder in ("project/images", "other"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    recipe = Recipe(steps=5, data="dir:images", online_probe="images")
    RunFolder("runs/mine").begin(recipe, recipe)
    assert RunFolder("runs/mine").open().data == "dir:images"
    monkeypatch.chdir(tmp_path / "other")
    found = RunFolder("../project/runs/mine").open()
    assert found.data == f"dir:{tmp_path / 'project/images'}"
    assert found.online_probe == str(tmp_path / "project/images")
    (tmp_path / "project").rename(tmp_path / "moved")
    found = RunFolder("../moved/runs/mine").open().data
    assert os.path.samefile(found.removeprefix("dir:"), tmp_path / "moved/images")
    (tmp_path / "moved/images").rename(tmp_path / "moved/gone")
    assert RunFolder("../moved/runs/mine").open().data == "dir:images"


def test_other_images_than_at_first_are_pointed_out(tmp_path, photographs):
    for index in range(3):
        Image.fromarray(photographs[0][:20, :30]).save(tmp_path / f"{index}.png")
    folder = RunFolder(tmp_path / "run")
    before = open_source(f"dir:{tmp_path}").contents
    folder.begin(Recipe(steps=5), Recipe(steps=5), before)
    # The same files copied elsewhere are the same images.
    copied = shutil.copytree(tmp_path, tmp_path.parent / "copied", ignore=shutil.ignore_patterns("run"))
    assert folder.other_images(open_source(f"dir:{copied}").contents) == ""
    Image.fromarray(photographs[1][:20, :30]).save(tmp_path / "2.png")
    said = folder.other_images(open_source(f"dir:{tmp_path}").contents)
    assert "3 then and 3 now, or others under their names" in said
    (tmp_path / "2.png").unlink()
    assert "3 then and 2 now" in folder.other_images(open_source(f"dir:{tmp_path}").contents)

import json
import os
import shutil

import pytest
from PIL import Image

from cpc_keras.config.recipe import Recipe
from cpc_keras.data import open_source
from cpc_keras.errors import InputError
from cpc_keras.runs.folder import RunFolder, keep_rows
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
    """Its recipe has no fields that came later; and a learning curve, whenever it was drawn, makes no other run."""
    folder = RunFolder(tmp_path)
    folder.begin(Recipe(steps=5), Recipe(steps=5))
    description = json.loads(folder.recipe_file.read_text())
    for recipe in (description["recipe"], description["asked"]):
        del recipe["minutes"], recipe["learning_curve"]
    folder.recipe_file.write_text(json.dumps(description))
    asked = Recipe(steps=5, learning_curve=((5, 0.1, 0.2),))
    assert folder.settle(asked, lambda: pytest.fail("is resolved already")) == folder.open() == Recipe(steps=5)
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


def test_checkpoints_by_step(tmp_path):
    folder = RunFolder(tmp_path)
    folder.checkpoints.mkdir()
    assert folder.last_checkpoint() is None
    for step in (500, 0, 1000):
        folder.checkpoint_file(step).touch()
    (folder.checkpoints / ".partial.keras").touch()
    assert folder.checkpoint_steps() == [0, 500, 1000]
    assert folder.last_checkpoint() == (1000, tmp_path / "checkpoints" / "step-00001000.keras")


def test_rows_after_a_step_are_cut(tmp_path):
    path = tmp_path / "log.csv"
    keep_rows(path, ["step", "value"], 0)
    path.write_text(path.read_text() + "1,a\n2,b\n3,c\n")
    keep_rows(path, ["step", "value"], 2)
    assert path.read_text() == "step,value\n1,a\n2,b\n"


def test_processes_that_write_the_same_file_do_not_disturb_each_other(tmp_path):
    """As evaluations of one run side by side do."""
    write = """
import sys
from cpc_keras.runs.folder import write_json
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

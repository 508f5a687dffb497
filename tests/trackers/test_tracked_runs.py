"""A run that is trained, cut, resumed, made longer, evaluated, exported and reported is one run in its tracker."""

import dataclasses
import io
import json

import pytest
from rich.console import Console

from cpc_keras.config.recipe import Recipe
from cpc_keras.evaluation.evaluate import evaluate
from cpc_keras.export.export_run import export
from cpc_keras.pretraining.callbacks import Checkpoints
from cpc_keras.pretraining.pretrain import pretrain
from cpc_keras.report.report import write_report
from cpc_keras.runs.description import plain
from cpc_keras.runs.folder import RunFolder
from cpc_keras.trackers.tracking import CLASSES
from tests.commands import RECIPE, check_refusal, cpc_keras
from tests.pretraining.test_pretrain import TINY
from tests.trackers.read_back import in_mlflow, in_wandb

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("at_home")]
READ = {"mlflow": in_mlflow, "wandb": in_wandb}


def train(recipe, **kwargs):
    console = Console(file=io.StringIO(), width=300)
    pretrain(recipe, "runs/mine", console, may_be_longer=True, **kwargs)
    return console.file.getvalue()


def steps(found):
    return [step for step, _ in found.rows]


@pytest.mark.parametrize("name", CLASSES)
def test_one_run_from_the_first_step_to_the_report(name, photo_classes, tmp_path, monkeypatch):
    budgets = {"labels_per_class": (2,), "label_seeds": 2}
    recipe = Recipe(steps=6, checkpoint_every=2, data=f"classes:{photo_classes}", tracker=name, **TINY, **budgets)
    save = Checkpoints.save

    def save_and_die(self, model, unfinished=None):
        save(self, model, unfinished)
        if self.step == 4:
            raise RuntimeError("killed")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="killed"):
        patched.setattr(Checkpoints, "save", save_and_die)
        train(recipe)
    folder, first = RunFolder("runs/mine"), READ[name]()
    assert steps(first) == [2, 4]
    said = train(recipe)
    assert "Resumes after step 4 of 6." in said and "Tracked by" not in said
    assert steps(READ[name]()) == [2, 4, 6]
    assert READ[name]().parameters == {field: str(value) for field, value in plain(folder.open()).items()}
    train(dataclasses.replace(recipe, steps=8))

    console = Console(file=io.StringIO(), width=300)
    records = evaluate("runs/mine", console, methods=("knn",), baselines=())
    export("runs/mine", tmp_path / "home", console)
    write_report("runs/mine", console)
    found = READ[name]()
    assert (found.run, found.name, steps(found)) == (first.run, "mine", [2, 4, 6, 8])
    assert [row for _, row in found.rows] == [
        {column: value for column, value in row.items() if column != "step"} for row in folder.metrics()
    ]
    assert {"loss", "accuracy", "accuracy_down_2", "embedding_std", "images_per_second"} <= set(found.rows[0][1])
    mean = sum(record["balanced_accuracy"] for record in records) / len(records)
    assert found.figures["knn/cpc/4 labels/balanced_accuracy"] == pytest.approx(mean)
    assert {"report/index.html", "report/loss.png"} <= found.files
    exported = {"mlflow": "export/home", "wandb": "export-home"}[name]
    assert {f"{exported}/saved_model.pb", f"{exported}/README.md"} <= found.files
    assert "WARNING" not in console.file.getvalue()


def test_a_tracker_makes_no_other_run(photo_classes):
    recipe = Recipe(steps=4, checkpoint_every=2, data=f"classes:{photo_classes}", **TINY)
    train(recipe)
    before = (RunFolder("runs/mine").recipe_file).read_text()
    said = train(dataclasses.replace(recipe, tracker="mlflow"))
    assert "is trained: all 4 steps are done" in said and "Tracked by mlflow" in said
    assert steps(in_mlflow()) == [2, 4]
    assert RunFolder("runs/mine").recipe_file.read_text() == before
    train(dataclasses.replace(recipe, steps=6))
    assert steps(in_mlflow()) == [2, 4]
    train(dataclasses.replace(recipe, steps=6, tracker="mlflow"))
    assert steps(in_mlflow()) == [2, 4, 6]
    description = json.loads(RunFolder("runs/mine").recipe_file.read_text())
    assert description["recipe"]["tracker"] is None


def test_by_the_command(at_home, photo_classes):
    (at_home / "small.py").write_text(RECIPE)
    arguments = ("pretrain", "small.py", "--data", f"dir:{photo_classes}", "--run", "mine")
    check_refusal(
        " ".join([*arguments, "--set tracker=x"]), "`tracker` must be one of (None, 'mlflow', 'wandb')", at_home
    )
    done = cpc_keras(*arguments, "--set", "tracker=mlflow", cwd=at_home, code=0)
    assert f"Tracked by mlflow: run {in_mlflow().run} in sqlite:///{at_home}/mlflow.db." in done.stdout
    assert done.stderr == ""
    assert steps(in_mlflow()) == [1, 2]

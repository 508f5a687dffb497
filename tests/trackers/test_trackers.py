"""Each tracker with a run's folder that holds what a training would have written, and nothing trained."""

import io
import json

import mlflow
import pytest
from rich.console import Console

from cpc_keras.config.recipe import Recipe
from cpc_keras.errors import InputError, Stopped
from cpc_keras.runs.description import plain
from cpc_keras.runs.folder import RunFolder
from cpc_keras.storage.reading import note
from cpc_keras.trackers.results import track_figures, track_files
from cpc_keras.trackers.tracking import CLASSES, open_again, open_tracking
from tests.trackers.read_back import in_mlflow, in_wandb

pytestmark = pytest.mark.usefixtures("with_store")
READ = {"mlflow": in_mlflow, "wandb": in_wandb}
RECIPE = Recipe(steps=6, offsets=(2, 3))


@pytest.fixture
def folder(tmp_path):
    """A run, begun."""
    folder = RunFolder(tmp_path / "mine")
    folder.begin(RECIPE, RECIPE)
    return folder


def write_rows(folder, *steps):
    rows = [f"{step},{8 / step:g}" for step in steps]
    folder.metrics_file.write_text("\n".join(["step,loss", *rows, ""]))


@pytest.mark.parametrize("name", CLASSES)
def test_what_is_told_arrives_in_one_run_whatever_tells_it(name, folder, tmp_path, capfd):
    said = []
    with open_tracking(folder, said.append, name) as tracking:
        tracking.describe(RECIPE)
        write_rows(folder, 2)
        tracking.send_rows()
        write_rows(folder, 2, 4)
    assert len(said) == 1 and said[0].startswith(f"Tracked by {name}: run ")
    with pytest.raises(Stopped), open_tracking(folder, said.append, name) as tracking:
        tracking.describe(RECIPE)
        write_rows(folder, 2, 4, 5)
        raise Stopped("told to end")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("page")
    console = Console(file=io.StringIO())
    track_files(folder, console, tmp_path / "report", "report")
    track_files(folder, console, tmp_path / "report" / "index.html", "export")
    record = {"method": "knn", "encoder": "cpc", "labels": 10, "selection": "typical", "top1": 0.5}
    track_figures(folder, console, [{**record, "encoder": "#1: [ümlaut]/é", "balanced_accuracy": 0.25}], 5)
    assert console.file.getvalue() == "" and len(said) == 1
    found = READ[name]()
    assert (found.name, found.run in said[0]) == ("mine", True)
    assert found.parameters == {field: str(value) for field, value in plain(RECIPE).items()}
    assert found.rows == [(2, {"loss": 4.0}), (4, {"loss": 2.0}), (5, {"loss": 1.6})]
    place = "knn/_1_ _ümlaut__é/10 labels typical"
    assert found.figures == {f"{place}/top1": 0.5, f"{place}/balanced_accuracy": 0.25}
    recipe = {"mlflow": "recipe.json", "wandb": "recipe/recipe.json"}[name]
    assert found.files == {recipe, "report/index.html", "export/index.html"}
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_tracker_that_comes_later_is_sent_all_rows(folder):
    write_rows(folder, 2, 4)
    with open_tracking(folder, print, "mlflow") as tracking:
        tracking.describe(RECIPE)
    assert [step for step, _ in in_mlflow().rows] == [2, 4]


def test_the_end_of_a_training_is_the_end_of_its_run(folder):
    def status():
        return mlflow.MlflowClient().get_run(in_mlflow().run).info.status

    for error, left in ((KeyboardInterrupt, "KILLED"), (ValueError, "FAILED")):
        with pytest.raises(error), open_tracking(folder, print, "mlflow") as tracking:
            tracking.describe(RECIPE)
            assert status() == "RUNNING"
            raise error
        assert status() == left
    with open_again(folder, print):
        pass
    assert status() == "FAILED"  # which an evaluation does not change
    with open_tracking(folder, print, "mlflow") as tracking:
        tracking.describe(RECIPE)
    assert status() == "FINISHED"


def test_a_parameter_that_changes_is_a_tag_in_mlflow(folder):
    for steps in (6, 12):
        with open_tracking(folder, print, "mlflow") as tracking:
            tracking.describe(Recipe(steps=steps))
    run = mlflow.MlflowClient().get_run(in_mlflow().run)
    assert (run.data.params["steps"], run.data.tags["steps"]) == ("6", "12")


def test_figures_that_are_there_are_not_told_again(folder):
    with open_tracking(folder, print, "mlflow") as tracking:
        for top1 in (0.5, 0.5, 0.75):
            tracking.conclude({"knn/cpc/10 labels/top1": top1}, step=5)
    points = mlflow.MlflowClient().get_metric_history(in_mlflow().run, "knn/cpc/10 labels/top1")
    assert [(one.value, one.step) for one in points] == [(0.5, 5), (0.75, 5)]


def test_the_usual_store_is_found_from_elsewhere_and_an_experiment_by_name(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "cells")
    with open_tracking(folder, print, "mlflow") as tracking:
        tracking.describe(RECIPE)
    (tmp_path / "other").mkdir()
    with monkeypatch.context() as elsewhere:
        elsewhere.chdir(tmp_path / "other")
        track_files(folder, Console(quiet=True), folder.recipe_file, "elsewhere")
    assert not list((tmp_path / "other").iterdir())
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("cells").experiment_id])
    assert {one.path for one in client.list_artifacts(run.info.run_id)} == {"recipe.json", "elsewhere"}


def test_a_store_that_somebody_names_is_not_written_down(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/named.db")
    with open_tracking(folder, print, "mlflow") as tracking:
        tracking.describe(RECIPE)
    kept = json.loads(folder.tracker_file.read_text())
    assert kept == {"tracker": "mlflow", "place": {"run": in_mlflow().run}, "sent": 0}


def test_a_tracker_that_fails_costs_one_line_and_is_sent_later_what_is_missing(folder):
    said, client = [], mlflow.MlflowClient()
    with open_tracking(folder, said.append, "mlflow") as tracking:
        tracking.describe(RECIPE)
        write_rows(folder, 2)
        tracking.send_rows()
        run = in_mlflow().run
        client.delete_run(run)  # which takes no more rows then
        for last in (4, 5):
            write_rows(folder, *range(2, last + 1))
            tracking.send_rows()
        tracking.keep(folder.recipe_file, "late")
    assert len(said) == 2
    assert said[1].startswith("WARNING: mlflow fails, and this command tells it no more (MlflowException: ")
    assert said[1].endswith(f"sent by the next command, to where {folder.tracker_file} says.") and "\n" not in said[1]
    client.restore_run(run)
    with open_again(folder, said.append):
        pass
    assert len(said) == 2 and [step for step, _ in in_mlflow().rows] == [2, 3, 4, 5]


def test_a_run_that_its_tracker_has_lost_goes_on(folder):
    with open_tracking(folder, print, "mlflow") as tracking:
        tracking.describe(RECIPE)
    kept = json.loads(folder.tracker_file.read_text())
    folder.tracker_file.write_text(json.dumps({**kept, "place": {**kept["place"], "run": "0" * 32}}))
    said = []
    with open_tracking(folder, said.append, "mlflow") as tracking:
        tracking.describe(RECIPE)
    assert len(said) == 1 and f"Run with id={'0' * 32} not found" in said[0]


@pytest.mark.parametrize(
    ("name", "environment", "reason"),
    [
        ("mlflow", {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}, "refused"),
        ("mlflow", {"MLFLOW_EXPERIMENT_ID": "77"}, "77"),
        ("wandb", {"WANDB_MODE": "online", "NETRC": "nowhere"}, "No API key configured"),
    ],
)
def test_one_that_takes_no_new_run_is_an_error_in_one_line(name, environment, reason, folder, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(InputError, match=f"`tracker` must take a new run.*tracker={name} .*{reason}") as caught:
        open_tracking(folder, print, name)
    assert "\n" not in str(caught.value) and not folder.tracker_file.exists()


@pytest.mark.parametrize("content", ["{", '{"tracker": "mlflow"}', '{"tracker": "other", "place": {}, "sent": 0}'])
def test_where_it_is_may_be_damaged(content, folder, capsys):
    note.cache_clear()
    folder.tracker_file.write_text(content)
    with open_again(folder, print):
        pass
    assert capsys.readouterr().out.startswith(f"Note: {folder.tracker_file} cannot be read")


def test_without_a_tracker_nothing_happens(folder):
    with open_tracking(folder, print, None) as tracking:
        tracking.describe(RECIPE)
        tracking.send_rows()
        tracking.keep(folder.recipe_file)
    assert not folder.tracker_file.exists()

"""Real trackers, on this machine alone."""

import contextlib
import shutil
import sys

import mlflow
import pytest


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """A working directory of its own, in which trackers write; nothing goes to a network."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    given = {"MLFLOW_DISABLE_TELEMETRY": "true", "WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false"}
    for name in ("CACHE", "CONFIG", "DATA"):
        given[f"WANDB_{name}_DIR"] = str(tmp_path / "wandb_files")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    yield tmp_path / "work"
    if "wandb" in sys.modules:
        sys.modules["wandb"].teardown()  # or the next test has this one's environment


@pytest.fixture
def with_store(at_home, made_once):
    """The same with MLflow's usual store, without the seconds in which its tables are made."""

    def fill(folder):
        with contextlib.chdir(folder):
            mlflow.MlflowClient().search_experiments()

    shutil.copy(made_once("mlflow", fill) / "mlflow.db", at_home)

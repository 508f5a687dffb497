"""A run in MLflow."""

import os
import time

from cpc_keras.errors import Stopped
from cpc_keras.trackers.tracker import Tracker

# Letters of a parameter's value, of which older servers take no more; recipe.json has all of it.
_LONGEST = 500


class MlflowTracker(Tracker):
    """A run in MLflow, where `MLFLOW_TRACKING_URI`, or else MLflow's default in the working directory, says.

    Its experiment is that of `MLFLOW_EXPERIMENT_NAME` or `MLFLOW_EXPERIMENT_ID`. The
    default is found again from another working directory.

    Args:
        title: As of `Tracker`.
        place: As of `Tracker`.
    """

    def __init__(self, title, place=None):
        super().__init__(title, place)
        import mlflow

        # What somebody has set may hold a password, and is not written down.
        store = None if mlflow.is_tracking_uri_set() else self.place.get("store", mlflow.get_tracking_uri())
        self._client = mlflow.MlflowClient(store)
        self._status = None
        if place:
            run = self._client.get_run(place["run"])
        else:
            run = self._client.create_run(_experiment(self._client), run_name=title)
        self._run = run.info.run_id
        self.place = {"run": self._run, **({"store": store} if store else {})}
        self.words = f"run {self._run}" + (f" in {store}" if store else "")

    def describe(self, parameters):
        """Parameters; one that has changed since, as the steps of a run that is made longer, becomes a tag.

        Args:
            parameters: As of `Tracker`.
        """
        from mlflow.entities import Param

        self._client.update_run(self._run, status="RUNNING")
        self._status = "FINISHED"
        given = {name: str(value)[:_LONGEST] for name, value in parameters.items()}
        before = self._client.get_run(self._run).data.params
        new = [Param(name, value) for name, value in given.items() if name not in before]
        self._client.log_batch(self._run, params=new)
        for name, value in given.items():
            if before.get(name, value) != value:  # MLflow refuses a second value
                self._client.set_tag(self._run, name, value)

    def log(self, figures, step):
        from mlflow.entities import Metric

        now = round(1000 * time.time())
        self._client.log_batch(self._run, [Metric(name, value, now, step) for name, value in figures.items()])

    def conclude(self, figures, step):
        known = self._client.get_run(self._run).data.metrics
        self.log({name: value for name, value in figures.items() if known.get(name) != value}, step)

    def keep(self, path, place):
        keep = self._client.log_artifacts if path.is_dir() else self._client.log_artifact
        keep(self._run, str(path), place or None)

    def close(self, error=None):
        if self._status is None:  # no training, whose end it would be
            return
        if error is not None:
            self._status = "KILLED" if isinstance(error, KeyboardInterrupt | Stopped) else "FAILED"
        self._client.set_terminated(self._run, self._status)


def _experiment(client):
    """The id of the experiment that the environment names."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME")
    if not name:
        return os.environ.get("MLFLOW_EXPERIMENT_ID") or "0"  # MLflow's `Default`
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name)

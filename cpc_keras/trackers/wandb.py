"""A run in Weights & Biases."""

import os
import re
from typing import Any

from cpc_keras.trackers.tracker import Tracker

# Seconds for which the end of a command waits for what is still to be uploaded, unless WANDB_FINISH_TIMEOUT says.
_PATIENCE = 600


class WandbTracker(Tracker):
    """A run in Weights & Biases, where `WANDB_PROJECT`, `WANDB_DIR`, `WANDB_MODE` and their like say.

    Args:
        title: As of `Tracker`.
        place: As of `Tracker`.
    """

    def __init__(self, title, place=None):
        super().__init__(title, place)
        import wandb

        settings: dict[str, Any] = {"console": "off", "quiet": True, "finish_timeout_raises": True}
        if "WANDB_FINISH_TIMEOUT" not in os.environ:
            settings["finish_timeout"] = _PATIENCE
        which: dict[str, Any] = {**place, "resume": "allow"} if place else {"name": title}
        self._run = wandb.init(**which, reinit="create_new", settings=wandb.Settings(**settings))
        self.place = {name: getattr(self._run, name) for name in ("id", "project", "entity")}
        self.words = (
            f"run {self._run.id} in {os.path.dirname(self._run.dir)}"
            if self._run.offline
            else str(self._run.url or "nowhere")
        )

    def describe(self, parameters):
        self._run.config.update(parameters, allow_val_change=True)

    def log(self, figures, step):
        self._run.log(figures, step=step)

    def conclude(self, figures, step):
        self._run.summary.update(figures)

    def keep(self, path, place):
        """Takes a copy as an artifact of its own, by the name of its place and the run's id.

        Args:
            path: As of `Tracker`.
            place: As of `Tracker`.
        """
        import wandb

        where = place or path.stem
        name = re.sub(r"[^A-Za-z0-9_.-]", "-", f"{where}-{self._run.id}")
        artifact = wandb.Artifact(name, where.partition("/")[0])
        (artifact.add_dir if path.is_dir() else artifact.add_file)(str(path))
        self._run.log_artifact(artifact)

    def close(self, error=None):
        self._run.finish(exit_code=int(error is not None))

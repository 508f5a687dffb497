"""The folder of a run: what lies where, and how it is written whole."""

import csv
import dataclasses
import json
import pathlib
import platform
from importlib import metadata

from cpc_keras.config.files import current_names, recipe_from_fields
from cpc_keras.errors import InputError
from cpc_keras.storage.atomic import read_json, write_gathered, write_json, write_text
from cpc_keras.storage.outputs import make_folder

_PACKAGES = ("tensorflow", "keras", "tensorflow-datasets", "scikit-learn", "numpy")


class RunFolder:
    """Paths of a run and the files that describe it.

    Args:
        path: The folder; it need not exist.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.recipe_file = self.path / "recipe.json"
        self.metrics_file = self.path / "metrics.csv"
        self.batches_file = self.path / "batches.csv"
        self.bad_files_file = self.path / "bad_files.csv"
        self.classes_file = self.path / "classes.json"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self.evaluation = self.path / "evaluation"
        self.source_file = self.evaluation / "source.json"
        self.label_efficiency_file = self.evaluation / "label_efficiency.json"
        self.subsets = self.evaluation / "subsets"
        self.cells = self.evaluation / "cells"
        self.detection = self.path / "detection"
        self.tuning = self.path / "tuning"
        self.report = self.path / "report"

    def open(self):
        """Checks that the folder is a run and gives its resolved recipe.

        Raises:
            InputError: If it is not.
        """
        if not self.recipe_file.is_file():
            raise InputError(f"`RUN` must be the folder of a run, with a recipe.json. Received: {self.path}")
        return recipe_from_fields(self._description()["recipe"])

    def settle(self, asked, resolve):
        """The resolved recipe: that of the run which is there, or a new one. Writes nothing.

        Args:
            asked: The `Recipe` as the user gave it.
            resolve: Function without arguments that gives it without `"auto"`.

        Returns:
            The resolved `Recipe` of the run.

        Raises:
            InputError: If the folder belongs to a run of another recipe.
        """
        if not self.recipe_file.is_file():
            return resolve()
        fields = _plain(asked)
        description = self._description()
        before = current_names(description.get("asked", {}))
        # A field that an older version did not know is None now; a learning curve changes no run.
        names = {*fields, *before} - {"learning_curve"}
        differing = sorted(key for key in names if fields.get(key) != before.get(key))
        if differing:
            first = differing[0]
            raise InputError(
                f"`--run` must be a new folder or one of the same recipe. Received: {self.path}, where "
                f"{', '.join(differing)} differ ({first}={before.get(first)!r} there, {fields.get(first)!r} here)"
            )
        return recipe_from_fields(description["recipe"])

    def begin(self, asked, recipe, fitted=None):
        """Makes the folder and writes `recipe.json`, unless the run is there already.

        Args:
            asked: The `Recipe` as the user gave it.
            recipe: The same, resolved.
            fitted: How its steps were fitted to `minutes`, a dictionary, if they were.

        Raises:
            InputError: If the folder cannot be made or written to.
        """
        make_folder(self.checkpoints, "--run")
        if not self.recipe_file.is_file():
            content = {"recipe": _plain(recipe), "asked": _plain(asked), "seed": recipe.seed, "versions": _versions()}
            write_json(self.recipe_file, content | ({"fitted": fitted} if fitted else {}))

    def fitted(self):
        """How the run's steps were fitted to a budget of time, as `begin` was told; `None` if they were not."""
        return self._description().get("fitted")

    def versions(self):
        """Versions of the libraries that the run was begun with, by name."""
        return self._description()["versions"]

    def _description(self):
        try:
            return json.loads(self.recipe_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"`RUN` must have a readable recipe.json. Received: {self.recipe_file}") from error

    def records(self):
        """The records of the run's evaluation; none where there was no evaluation."""
        return read_json(self.label_efficiency_file) or []

    def write_records(self, store):
        """Writes the records of all finished results.

        Args:
            store: A `cpc_keras.evaluation.results.EvaluationStore`.
        """
        write_gathered(self.label_efficiency_file, lambda: [record for record, _ in store.everything()])

    def source(self):
        """What the run was evaluated with, as a dictionary; `None` where it was not."""
        return read_json(self.source_file)

    def checkpoint_file(self, step):
        """Where the checkpoint of a step lies."""
        return self.checkpoints / f"step-{step:08d}.keras"

    def unfinished_file(self, step):
        """Where the metrics lie of a checkpoint between two rows of `metrics.csv`."""
        return self.checkpoints / f"step-{step:08d}.json"

    def unfinished_metrics(self, step):
        """What lies there; `None` if the checkpoint is at a row."""
        return read_json(self.unfinished_file(step))

    def best_step(self):
        """The step with the best row of `metrics.csv`; `None` if there is none.

        Best is the highest accuracy of the online probe, or else the lowest loss.
        """
        if not self.metrics_file.is_file():
            return None
        with open(self.metrics_file, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        probed = bool(rows) and "probe_accuracy" in rows[0]
        key = (lambda row: -float(row["probe_accuracy"])) if probed else (lambda row: float(row["loss"]))
        return int(min(rows, key=key)["step"]) if rows else None

    def checkpoint_steps(self):
        """Steps of the checkpoints that are there, rising."""
        return sorted(int(path.stem.removeprefix("step-")) for path in self.checkpoints.glob("step-*.keras"))

    def last_checkpoint(self):
        """`(step, path)` of the last checkpoint, or `None`."""
        steps = self.checkpoint_steps()
        return (steps[-1], self.checkpoint_file(steps[-1])) if steps else None


def _plain(recipe):
    """A recipe's fields as JSON keeps them."""
    return json.loads(json.dumps(dataclasses.asdict(recipe)))


def _versions():
    from cpc_keras import __version__

    versions: dict[str, str | None] = {"python": platform.python_version(), "cpc_keras": __version__}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return versions


def keep_rows(path, header, step):
    """Starts a CSV file whose first column is the step, or cuts it back.

    Rows after `step` were written by a run that was stopped before its next
    checkpoint; the steps they tell of are about to be taken again. A last line
    without its end was cut short, by a full disk or a kill.
    """
    rows = []
    if path.is_file():
        with open(path, newline="", encoding="utf-8") as file:
            lines = [line for line in file if line.endswith("\n")]
        rows = [row for row in list(csv.reader(lines))[1:] if row and int(row[0]) <= step]
    write_text(path, "".join(",".join(row) + "\n" for row in [header, *rows]))

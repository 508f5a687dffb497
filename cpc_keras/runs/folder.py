"""The folder of a run: what lies where, and how it is written whole."""

import dataclasses
import os
import pathlib
import re

from cpc_keras.errors import InputError
from cpc_keras.runs.description import (
    LENGTH,
    PLACE,
    described_recipe,
    installed_versions,
    plain,
    read_description,
    settled,
)
from cpc_keras.runs.logs import is_number, read_rows
from cpc_keras.storage.atomic import write_gathered, write_json
from cpc_keras.storage.outputs import make_folder
from cpc_keras.storage.reading import check_kinds, read_json


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
        self.tracker_file = self.path / "tracker.json"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self.evaluation = self.path / "evaluation"
        self.source_file = self.evaluation / "source.json"
        self.label_efficiency_file = self.evaluation / "label_efficiency.json"
        self.subsets = self.evaluation / "subsets"
        self.cells = self.evaluation / "cells"
        self.step_budget_file = self.evaluation / "step_budget.json"
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
        description = read_description(self.recipe_file)
        recipe = described_recipe(description, self.recipe_file)
        places = {
            name: self.find_source(getattr(recipe, name), description.get("made_in"))
            for name in ("data", "online_probe")
            if getattr(recipe, name) is not None
        }
        return dataclasses.replace(recipe, **places)

    def find_source(self, source, made_in):
        """A source that a command named, found again from elsewhere, or where run and images were moved together.

        Args:
            source: As of `cpc_keras.data.open_source`.
            made_in: What `place_of_work` gave to that command, or `None`.

        Returns:
            The same source, by another path if its own leads nowhere.
        """
        kind, separator, place = source.rpartition(":")
        if not made_in or kind == "tfds" or not place or os.path.exists(os.path.expanduser(place)):
            return source
        for folder in (made_in["folder"], self.path / made_in["from_run"]):
            if os.path.exists(os.path.join(folder, place)):
                return f"{kind}{separator}{os.path.join(folder, place)}"
        return source

    def place_of_work(self):
        """Where a command is run, for `find_source`."""
        return {"folder": os.getcwd(), "from_run": os.path.relpath(os.getcwd(), self.path)}

    def settle(self, asked, resolve, may_be_longer=False):
        """The resolved recipe: that of the run which is there, or a new one. Writes nothing.

        Args:
            asked: The `Recipe` as the user gave it.
            resolve: Function without arguments that gives it without `"auto"`.
            may_be_longer: Whether a finished run may be made longer.

        Returns:
            The resolved `Recipe` of the run; with more steps, or with `minutes`, where
            a finished run is to be made longer.

        Raises:
            InputError: If the folder belongs to a run of another recipe, or to something
                else; if a run that is not finished is to have another length.
        """
        if not self.recipe_file.is_file():
            self._refuse_foreign()
            return resolve()
        done = max(self.checkpoint_steps(), default=0)
        return settled(self.recipe_file, asked, resolve, done if may_be_longer else None)

    def made_longer_at(self, recipe):
        """Steps after which the run was finished, and was, or is, made longer; rising.

        Args:
            recipe: What `settle` gave.
        """
        if not self.recipe_file.is_file():
            return []
        description = read_description(self.recipe_file)
        steps = described_recipe(description, self.recipe_file).steps
        return [*description.get("longer_from", []), *([steps] if steps != recipe.steps else [])]

    def lengthen(self, asked, recipe):
        """Writes down that a finished run goes on, unless that is known already.

        Args:
            asked: The `Recipe` as the user gave it.
            recipe: The resolved one, with its new number of steps.
        """
        content = read_description(self.recipe_file)
        before = described_recipe(content, self.recipe_file).steps
        if before == recipe.steps:
            return
        lengths = {name: getattr(asked, name) for name in LENGTH}
        content["asked"] = {**content.get("asked", {}), **lengths}
        content["recipe"] = {**content["recipe"], "steps": recipe.steps}
        content["longer_from"] = [*content.get("longer_from", []), before]
        content.pop("fitted", None)
        write_json(self.recipe_file, content)

    def _refuse_foreign(self):
        """A run begins with its recipe.json; where that is not, the other files are somebody's who would miss them."""
        for file in (self.metrics_file, self.batches_file, self.classes_file, self.bad_files_file):
            if file.exists():
                raise InputError(
                    f"`--run` must be a new folder or that of a run. Received: {self.path}, which holds {file.name} "
                    f"and no {self.recipe_file.name}"
                )

    def begin(self, asked, recipe, images=None, fitted=None, typical_side=None, jitter_trial=None):
        """Makes the folder and writes `recipe.json`, unless the run is there already.

        Args:
            asked: The `Recipe` as the user gave it.
            recipe: The same, resolved.
            images: What it is trained on, `ImageSet.contents`.
            fitted: How its steps were fitted to `minutes`, a dictionary, if they were.
            typical_side: Pixels of the shorter side of a typical image, as it was found.
            jitter_trial: How its jitter was chosen, a dictionary, if it was.

        Raises:
            InputError: If the folder cannot be made or written to.
        """
        make_folder(self.checkpoints, "--run")
        if not self.recipe_file.is_file():
            content = {"recipe": plain(recipe), "asked": plain(asked), "seed": recipe.seed}
            content["versions"] = installed_versions()
            content |= {"images": images, "made_in": self.place_of_work(), "typical_side": typical_side}
            found = {"fitted": fitted, "jitter_trial": jitter_trial}
            write_json(self.recipe_file, content | {name: said for name, said in found.items() if said})

    def other_images(self, images):
        """One sentence if the images are not those that the run was begun with; nothing if they are, or it is new.

        Args:
            images: What there is now, `ImageSet.contents`.
        """
        before = read_description(self.recipe_file).get("images") if self.recipe_file.is_file() else None
        if not before or before == images:
            return ""
        return (
            f"The images are not those that the run was begun with: {before['count']:,} then and {images['count']:,} "
            "now, or others under their names. Training goes on with those of now."
        )

    def fitted(self):
        """How the run's steps were fitted to a budget of time, as `begin` was told; `None` if they were not."""
        return read_description(self.recipe_file).get("fitted")

    def jitter_trial(self):
        """How the run's jitter was chosen, as `begin` was told; `None` if no trial did."""
        return read_description(self.recipe_file).get("jitter_trial")

    def typical_side(self):
        """Pixels of the shorter side of a typical image, as `begin` was told; `None` if it was not."""
        return read_description(self.recipe_file).get("typical_side")

    def asked(self):
        """The `Recipe` as the user gave it; the resolved one where a run does not have it."""
        description = read_description(self.recipe_file)
        asked = {**description, "recipe": description.get("asked") or description["recipe"]}
        return described_recipe(asked, self.recipe_file)

    def versions(self):
        """Versions of the libraries that the run was begun with, by name."""
        return read_description(self.recipe_file).get("versions", {})

    def records(self):
        """The records of the run's evaluation as they are listed; `None` where there is no list."""
        return read_json(self.label_efficiency_file, _check_records)

    def write_records(self, store):
        """Writes the records of all finished results.

        Args:
            store: A `cpc_keras.evaluation.results.EvaluationStore`.
        """
        write_gathered(self.label_efficiency_file, lambda: [record for record, _ in store.everything()])

    def source(self):
        """What the run was evaluated with, as a dictionary; `None` where it was not.

        Until an evaluation has finished, `rows` has how many methods it is of.
        """
        return read_json(self.source_file, _check_source)

    def checkpoint_file(self, step):
        """Where the checkpoint of a step lies."""
        return self.checkpoints / f"step-{step:08d}.keras"

    def unfinished_file(self, step):
        """Where the metrics lie of a checkpoint between two rows of `metrics.csv`."""
        return self.checkpoints / f"step-{step:08d}.json"

    def unfinished_metrics(self, step):
        """What lies there; `None` if the checkpoint is at a row, or it cannot be read."""
        return read_json(self.unfinished_file(step))

    def best_step(self):
        """The step with the best row of `metrics.csv`; `None` if there is none.

        Best is the highest accuracy of the online probe, or else the lowest loss.
        """
        rows = self.metrics()
        probed = any("probe_accuracy" in row for row in rows)
        figure, sign = ("probe_accuracy", -1) if probed else ("loss", 1)
        known = {int(row["step"]): sign * row[figure] for row in rows if figure in row}
        return min(known, key=known.__getitem__) if known else None

    def metrics(self):
        """The rows of `metrics.csv` that can be read, by rising step, dictionaries from column to number."""
        rows = read_rows(self.metrics_file, is_number)
        return [{name: float(text) for name, text in row.items() if text} for row in rows]

    def checkpoint_steps(self):
        """Steps of the checkpoints that are there, rising; copies by other names are none."""
        names = (path.name for path in self.checkpoints.glob("step-*.keras"))
        found = (re.fullmatch(r"step-([0-9]{8}|[1-9][0-9]{8,})\.keras", name) for name in names)
        return sorted(int(match[1]) for match in found if match)

    def last_checkpoint(self):
        """`(step, path)` of the last checkpoint, or `None`.

        One between two rows of `metrics.csv`, which goes when the next row comes, is it
        only where none but the untrained one is at a row.
        """
        steps = self.checkpoint_steps()
        steps = [step for step in steps if step and not self.unfinished_file(step).exists()] or steps
        return (steps[-1], self.checkpoint_file(steps[-1])) if steps else None


def _check_source(content):
    check_kinds(content, data=str, cross_validate=bool)
    check_kinds({"rows": None, **content}, rows=int | None)
    if "made_in" in content:
        check_kinds(content["made_in"], **PLACE)


def _check_records(records):
    if not isinstance(records, list):
        raise ValueError("it holds no list")
    for record in records:
        check_kinds(record, method=str, encoder=str, checkpoint=int | None, labels=int, seed=int)
        check_kinds(record, selected=dict, labels_per_class=int | None, fraction=int | float | None, top1=int | float)

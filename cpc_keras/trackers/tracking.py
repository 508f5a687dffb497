"""A run and its tracker, which never keeps the work from going on."""

import functools
import importlib

from cpc_keras.errors import InputError, first_line, printable
from cpc_keras.runs.description import plain
from cpc_keras.storage.atomic import write_json
from cpc_keras.storage.reading import check_kinds, read_json
from cpc_keras.trackers.tracker import Tracker

# The class of each tracker, in the module of its name.
CLASSES = {"mlflow": "MlflowTracker", "wandb": "WandbTracker"}


class Tracking:
    """What a command tells a tracker of a run; to be entered as a context.

    The first error of a tracker is said in a line, and it is told no more: a server
    that is gone ends no training. Rows of `metrics.csv` that it was not sent are sent
    when it is opened the next time. How far it was, and where the run is, is kept in the
    run's `tracker.json`. Without a tracker nothing happens.

    Args:
        folder: The `RunFolder`.
        say: Function that tells the user a line.
        name: Of the tracker, or `None`.
        open_tracker: Function without arguments that gives the `Tracker`; its error is one
            of the tracker.
        sent: The last step whose row it has.
    """

    def __init__(self, folder, say, name=None, open_tracker=Tracker, sent=0):
        self.folder = folder
        self.name = name
        self._say = say
        self._sent = sent
        self._tracker: Tracker | None = None if name is None else Tracker()
        self._tracker = self._told(lambda _: open_tracker())

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.send_rows()
        self._told(lambda tracker: tracker.close(error))

    def describe(self, recipe):
        """A training begins, or goes on: its parameters, and `recipe.json`.

        Args:
            recipe: The resolved `Recipe`.
        """
        if self._tracker is not None:
            self._write_down()
            self._told(lambda tracker: tracker.describe(plain(recipe)))
            self.keep(self.folder.recipe_file)

    def send_rows(self):
        """Sends the rows of `metrics.csv` that the tracker does not have."""
        if self._tracker is None or not self.folder.recipe_file.is_file():
            return
        before = self._sent
        for row in self.folder.metrics():
            step = int(row.pop("step"))
            if step > self._sent and self._told(functools.partial(_send, row, step)):
                self._sent = step
        if self._sent > before:
            self._write_down()

    def conclude(self, figures, step):
        """Figures of the whole run, see `Tracker.conclude`."""
        self._told(lambda tracker: tracker.conclude(figures, step))

    def keep(self, path, place=""):
        """A copy of a file or folder, see `Tracker.keep`."""
        self._told(lambda tracker: tracker.keep(path, place))

    def _told(self, do):
        """What a call of the tracker gives; `None` without one, and from its first error on."""
        if self._tracker is None:
            return None
        try:
            return do(self._tracker)
        except Exception as error:  # of whatever package, server or network
            self._tracker = None
            self._say(
                printable(
                    f"WARNING: {self.name} fails, and this command tells it no more ({type(error).__name__}: "
                    f"{first_line(error)[:200]}). The run goes on; the rows of its log that are missing there are sent "
                    f"by the next command, to where {self.folder.tracker_file} says."
                )
            )
            return None

    def _write_down(self):
        if self._tracker is not None:
            place = {"tracker": self.name, "place": self._tracker.place, "sent": self._sent}
            write_json(self.folder.tracker_file, place)


def _send(row, step, tracker):
    tracker.log(row, step)
    return True


def open_tracking(folder, say, name):
    """A run in a tracker: the one that it has there, or a new one.

    Args:
        folder: The `RunFolder`.
        say: Function that tells the user a line.
        name: Of the tracker, or `None`.

    Returns:
        A `Tracking`.

    Raises:
        InputError: If the tracker refuses a new run.
    """
    if name is None:
        return Tracking(folder, say)
    kept, title = _kept(folder), printable(folder.path.resolve().name)
    if kept and kept["tracker"] == name:
        return Tracking(folder, say, name, lambda: _class(name)(title, kept["place"]), kept["sent"])
    try:
        tracker = _class(name)(title)
    except Exception as error:  # of whatever package, server or network
        raise InputError(
            f"`tracker` must take a new run; its environment variables say where. Received: tracker={name} "
            f"({type(error).__name__}: {first_line(error)})"
        ) from error
    say(printable(f"Tracked by {name}: {tracker.words}."))
    return Tracking(folder, say, name, lambda: tracker)


def open_again(folder, say):
    """The run in the tracker that was told of its training; in none, if none was.

    Args:
        folder: The `RunFolder`.
        say: Function that tells the user a line.

    Returns:
        A `Tracking`.
    """
    return open_tracking(folder, say, (_kept(folder) or {"tracker": None})["tracker"])


def _class(name):
    return getattr(importlib.import_module(f"cpc_keras.trackers.{name}"), CLASSES[name])


def _kept(folder):
    """What was written down of a run's tracker; `None` where there is none."""
    return read_json(folder.tracker_file, _check)


def _check(content):
    check_kinds(content, tracker=str, place=dict, sent=int)
    if content["tracker"] not in CLASSES:
        raise ValueError(f"its tracker is {content['tracker']!r}")

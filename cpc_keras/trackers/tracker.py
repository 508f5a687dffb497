"""What a tracker can be told, and whether its package is there."""

from cpc_keras.extras import check_installed


class Tracker:
    """One run in an experiment tracker. This one tells nobody; trackers derive from it.

    A tracker's own environment variables say where it writes. It may raise whatever its
    package raises: `cpc_keras.trackers.tracking.Tracking` sees to that.

    Args:
        title: What people are to call a new run.
        place: The attribute of a tracker that had the run before; `None` begins a new one.

    Attributes:
        place: What leads to the run again, a dictionary that JSON can hold.
        words: Where it is, for people.
    """

    def __init__(self, title="", place=None):
        self.place = place or {}
        self.words = ""

    def describe(self, parameters):
        """A training begins, or goes on.

        Args:
            parameters: Dictionary of what JSON can hold.
        """

    def log(self, figures, step):
        """Figures of a step.

        Args:
            figures: Dictionary from name to number.
            step: Of the training, rising.
        """

    def conclude(self, figures, step):
        """Figures of the whole run, in place of those of the same names.

        Args:
            figures: Dictionary from name to number.
            step: Of the training, after which they were taken.
        """

    def keep(self, path, place):
        """Takes a copy of a file or folder.

        Args:
            path: A `pathlib.Path`.
            place: Folder that it goes to, parts separated by `/`; empty for none.
        """

    def close(self, error=None):
        """Nothing more will be told for now.

        Args:
            error: The exception that ended the work, or `None`.
        """


def check_tracker(name):
    """Raises `InputError` unless the package of a tracker is installed.

    Args:
        name: As of the field `tracker` of a recipe; `None` needs none.
    """
    if name is not None:
        check_installed((name,), name, f"tracker={name}")

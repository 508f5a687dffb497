"""How far a long task is, for those who watch."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def progress_bar(console, transient=False):
    """A `rich.progress.Progress` in the look of this package, silent where nobody watches.

    Args:
        console: A `rich.console.Console`.
        transient: Whether the bar goes away when it is done.
    """
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=transient,
    )


class NoProgress:
    """Shows nothing."""

    def start(self, name, total):
        """A task of `total` parts begins."""

    def advance(self, count=1):
        """So many parts of it are done."""


class ProgressBars(NoProgress):
    """One bar a task, gone when the next begins; to be entered as a context.

    Args:
        console: A `rich.console.Console`.
    """

    def __init__(self, console):
        self.progress = progress_bar(console, transient=True)
        self.task = self.progress.add_task("", visible=False)

    def __enter__(self):
        self.progress.start()
        return self

    def __exit__(self, *error):
        self.progress.stop()

    def start(self, name, total):
        """A task of `total` parts begins."""
        self.progress.remove_task(self.task)
        self.task = self.progress.add_task(name, total=total)

    def advance(self, count=1):
        """So many parts of it are done."""
        self.progress.advance(self.task, count)

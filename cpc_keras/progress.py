"""How far a long task is and when it will end, for those who watch and for those who read a log."""

import contextlib
import datetime
import threading
import time

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TimeRemainingColumn
from rich.text import Text

from cpc_keras.errors import printable

# Seconds after which a log without a terminal hears that work goes on.
_SILENCE = 30.0
# Letters of a terminal on which words, bar, numbers and end stand side by side.
_WIDE = 80
# Seconds, or 1,000 parts, over which a speed is averaged.
_WINDOW = 600.0


def duration(seconds):
    """A length of time as people say it.

    Example:

    >>> [duration(seconds) for seconds in (8.2, 100, 3540, 9000, 400_000, 1e8)]
    ['8 s', '2 min', '59 min', '2 h 30 min', '4 d 15 h', '3.2 years']
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours >= 24 * 365:
        return f"{hours / 24 / 365:.1f} years"
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def clock(seconds, now=None):
    """The time of day so many seconds from now, with the date if that is another day.

    Args:
        seconds: From now on.
        now: A `datetime.datetime`; the present if `None`.

    Example:

    >>> noon = datetime.datetime(2024, 5, 3, 12, 0)
    >>> clock(9120, noon), clock(86_400, noon)
    ('14:32', '12:00 on 4 May')
    """
    now = now or datetime.datetime.now()
    end = now + datetime.timedelta(seconds=seconds)
    return f"{end:%H:%M}" if end.date() == now.date() else f"{end:%H:%M} on {end.day} {end:%b}"


def ending(seconds):
    """When that ends which takes so many seconds more; nothing of `None`."""
    return "" if seconds is None else f"ends at about {clock(seconds)} ({duration(seconds)} left)"


class Heartbeat:
    """Calls a function after each half minute in which nothing was said; to be entered as a context.

    Args:
        say: Function without arguments.
        silence: Seconds; half a minute if `None`.
    """

    def __init__(self, say, silence=None):
        self._say = say
        self._silence = silence or _SILENCE
        self._over = threading.Event()
        self._spoke = time.monotonic()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def spoke(self):
        """Something was said."""
        self._spoke = time.monotonic()

    def __enter__(self):
        self.spoke()
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()

    def _beat(self):
        while not self._over.wait(max(0.01, self._spoke + self._silence - time.monotonic())):
            if time.monotonic() >= self._spoke + self._silence:
                self._say()
                self.spoke()


@contextlib.contextmanager
def waiting(console, what):
    """Says what is done, and each half minute that it still is.

    Args:
        console: A `rich.console.Console`.
        what: In words, as in `"Opening the images"`.
    """
    began, what = time.monotonic(), printable(what)
    console.print(f"{what}.")
    with Heartbeat(lambda: console.print(f"{what}: {duration(time.monotonic() - began)} so far.")):
        yield


class _What(ProgressColumn):
    """What a task is."""

    def render(self, task):
        return Text(printable(task.description))


class _End(ProgressColumn):
    """When a task will end."""

    def render(self, task):
        return Text(ending(task.time_remaining))


class LoggedProgress(Progress):
    """Bars on a terminal; elsewhere a line whenever nothing was printed for half a minute.

    A task may have the field `batch_size`, of images in a part.

    Args:
        console: A `rich.console.Console`.
        transient: Whether a bar goes away when it is done.
    """

    def __init__(self, console, transient=False):
        wide = console.width >= _WIDE
        super().__init__(
            _What(),
            *([BarColumn()] if wide else []),
            MofNCompleteColumn(),
            _End() if wide else TimeRemainingColumn(compact=True),
            console=console,
            disable=not console.is_terminal,
            transient=transient,
            speed_estimate_period=_WINDOW,
        )
        self._began = time.monotonic()
        self._heartbeat = None

    def start(self):
        """Bars or lines begin."""
        super().start()
        if self.disable and not self.console.quiet and self._heartbeat is None:
            self._heartbeat = Heartbeat(self._line).__enter__()

    def stop(self):
        """They end."""
        super().stop()
        if self._heartbeat is not None:
            self._heartbeat.__exit__()
            self._heartbeat = None

    def say(self, line):
        """Prints a line, after which there is none for half a minute."""
        self.console.print(line)
        if self._heartbeat is not None:
            self._heartbeat.spoke()

    def _line(self):
        shown = [task for task in self.tasks if task.visible]
        for task in shown:
            self.console.print(progress_line(task))
        if not shown:
            self.console.print(f"At work for {duration(time.monotonic() - self._began)}.")


def progress_line(task):
    """How far a `rich.progress.Task` is, in words."""
    parts = [f"{printable(task.description)}: {task.completed:,.0f} of {task.total:,.0f}"]
    if task.speed and "batch_size" in task.fields:
        parts.append(f"{task.speed * task.fields['batch_size']:.3g} images/s")
    if task.time_remaining is not None and not task.finished:
        parts.append(ending(task.time_remaining))
    return ", ".join(parts)


class NoProgress:
    """Shows nothing."""

    def start(self, name, total):
        """A task of `total` parts begins."""

    def advance(self, count=1):
        """So many parts of it are done."""

    def say(self, line):
        """There is something to tell."""


class ProgressBars(NoProgress):
    """One bar a task, gone when the next begins; lines without a terminal; to be entered as a context.

    Args:
        console: A `rich.console.Console`.
    """

    def __init__(self, console):
        self.progress = LoggedProgress(console, transient=True)
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

    def say(self, line):
        """Prints a line, above the bars."""
        self.progress.say(printable(line))

"""How many steps fit into a budget of time."""

import dataclasses
import math

from cpc_keras.errors import InputError
from cpc_keras.progress import duration
from cpc_keras.storage.reading import check_kinds

# Share of the time left that is kept in reserve.
_RESERVE = 0.03
# Share of the whole time that is given to measuring, and its bounds in seconds.
_MEASURING, _SHORTEST, _LONGEST = 1 / 32, 2.0, 20.0
# Rows and checkpoints that a short run has at least.
_ROWS = 4


class TimeTooShortError(InputError):
    """Not even one step fits into the time."""


@dataclasses.dataclass(frozen=True)
class FittedSteps:
    """A number of steps that fits into a time.

    Attributes:
        minutes: The time.
        steps: The number.
        full_steps: Those of the full run; `None` if the time alone bounds it.
        seconds_a_step: As measured.
        seconds: What the steps and their checkpoints are expected to take.
        checkpoint_every: Steps between checkpoints.
        runs: How many runs of as many steps share the time.
    """

    minutes: float
    steps: int
    full_steps: int | None
    seconds_a_step: float
    seconds: float
    checkpoint_every: int
    runs: int = 1

    @classmethod
    def kept(cls, fields):
        """From its fields as a run keeps them, a dictionary; `None` if there are none, or of another version."""
        try:
            check_kinds(fields, minutes=int | float, steps=int, full_steps=int | None, seconds_a_step=int | float)
            check_kinds(fields, seconds=int | float, checkpoint_every=int)
        except ValueError:
            return None
        return cls(**{field.name: fields[field.name] for field in dataclasses.fields(cls) if field.name in fields})

    @property
    def is_short(self):
        """Whether the time cuts the run short."""
        return self.full_steps is not None and self.steps < self.full_steps

    @property
    def full_time(self):
        """How long the full run, or all of them, would take here, in words."""
        return duration(self.runs * self.seconds * (self.full_steps or self.steps) / self.steps)

    def of(self, recipe):
        """A resolved recipe with this number of steps."""
        return dataclasses.replace(recipe, steps=self.steps, minutes=None, checkpoint_every=self.checkpoint_every)

    def words(self, batch_size):
        """What was measured and what follows, in one line.

        Args:
            batch_size: Images a step.

        Example:

        >>> print(FittedSteps(8, 1200, 4500, 0.4, 480.0, 250).words(16))
        40 images/s: 1,200 steps in 8 minutes (asked for 4,500; --set minutes=None for the full run, about 30 min).
        >>> print(FittedSteps(8, 1200, None, 0.4, 480.0, 250).words(16))
        40 images/s: 1,200 steps in 8 minutes.
        """
        said = f"{batch_size / self.seconds_a_step:.3g} images/s: "
        each = f" for each of {self.runs} runs" if self.runs > 1 else ""
        if not self.is_short and self.full_steps:
            return f"{said}all {self.steps:,} steps{each} fit into {minutes_text(self.minutes)}."
        said += f"{self.steps:,} step{'s' if self.steps > 1 else ''}{each} in {minutes_text(self.minutes)}"
        if not self.is_short:
            return f"{said}."
        return f"{said} (asked for {self.full_steps:,}; --set minutes=None for the full run, about {self.full_time})."


def minutes_text(minutes):
    """Minutes with their unit.

    Example:

    >>> minutes_text(1), minutes_text(2.5)
    ('1 minute', '2.5 minutes')
    """
    return f"{minutes:g} minute{'' if minutes == 1 else 's'}"


def measuring_seconds(minutes):
    """For how long to measure the speed of a run of so many minutes.

    Example:

    >>> [measuring_seconds(minutes) for minutes in (0.5, 8, 60)]
    [2.0, 15.0, 20.0]
    """
    return min(_LONGEST, max(_SHORTEST, _MEASURING * 60 * minutes))


def fit_steps(recipe, seconds_left, seconds_a_step, seconds_a_checkpoint=0.0, runs=1):
    """The steps of a recipe that fit into what is left of its `minutes`.

    Args:
        recipe: A resolved `Recipe` with `minutes`.
        seconds_left: Seconds until they are over, for one run.
        seconds_a_step: As measured.
        seconds_a_checkpoint: Seconds that each row of the log and its checkpoint take.
        runs: How many runs of as many steps share the minutes.

    Returns:
        A `FittedSteps`; three digits of its number count, and it is a multiple of
        `accumulate`.

    Raises:
        TimeTooShortError: If not even one step fits.

    Example:

    >>> from cpc_keras.config.recipe import Recipe
    >>> fit_steps(Recipe(steps=4500, minutes=8), seconds_left=450, seconds_a_step=0.4).steps
    1090
    """
    every, room = recipe.checkpoint_every, (1 - _RESERVE) * seconds_left
    count = _rounded((room - seconds_a_checkpoint) / (seconds_a_step + seconds_a_checkpoint / every), recipe.accumulate)
    if count < _ROWS * every:
        count = _rounded((room - (_ROWS + 1) * seconds_a_checkpoint) / seconds_a_step, recipe.accumulate)
    count = count if recipe.steps is None else min(count, recipe.steps)
    if count < 1:
        least = (recipe.accumulate * seconds_a_step + (_ROWS + 1) * seconds_a_checkpoint) / (1 - _RESERVE)
        enough = math.ceil(recipe.minutes + runs * (least - seconds_left) / 60)
        raise TimeTooShortError(
            f"`minutes` must leave time for a step of {seconds_a_step:.3g} s and for checkpoints of "
            f"{seconds_a_checkpoint:.2g} s: try minutes={enough}, or a number of steps and minutes=None. Received: "
            f"minutes={recipe.minutes:g}, of which {duration(max(0.0, seconds_left))} are left after opening the "
            "images, tracing and measuring"
        )
    if count < _ROWS * every and count != recipe.steps:
        every = min(every, -(-count // _ROWS))
    seconds = count * seconds_a_step + -(-count // every) * seconds_a_checkpoint
    return FittedSteps(recipe.minutes, count, recipe.steps, seconds_a_step, seconds, every, runs)


def _rounded(count, multiple):
    count = max(0, int(count))
    count -= count % max(1, 10 ** (len(str(count)) - 3))
    return count - count % multiple

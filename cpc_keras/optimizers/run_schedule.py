"""The learning rate of a run: warm-up, then one of three courses."""

import math

import keras
from keras import ops

COURSES = ("cosine", "step", "constant")


@keras.saving.register_keras_serializable(package="cpc_keras")
class RunSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up times a course over a number of steps, which can be set after a step was traced.

    At step `t` after `start` the rate is `min(1, t / w)` of what the course says, where
    the warm-up `w` takes at most a tenth of the steps. What depends on the number of
    steps is kept in a variable: a traced training step follows it.

    Args:
        peak: Highest rate.
        steps: Steps of the run.
        course: `"cosine"` (to zero), `"step"` (by `decay_factor` after each of
            `decay_at`) or `"constant"`.
        warmup_steps: Steps of the warm-up; 0 is none.
        decay_at: Shares of the steps, rising, at which `"step"` lowers the rate.
        decay_factor: What it is multiplied by.
        start: Step at which warm-up and course begin: more than 0 where a run that was
            finished is made longer.

    Raises:
        ValueError: If an argument is out of range.

    Reference:
        Goyal et al. 2017, arXiv 1706.02677, section 2.2 (warm-up);
        Loshchilov and Hutter 2017, arXiv 1608.03983 (cosine).

    Example:

    >>> rate = RunSchedule(0.5, steps=100, course="step", warmup_steps=10, decay_at=(0.5,))
    >>> [round(float(rate(step)), 3) for step in (0, 5, 10, 50, 51)]
    [0.0, 0.25, 0.5, 0.5, 0.05]
    >>> rate.set_steps(50)
    >>> [round(float(rate(step)), 3) for step in (0, 5, 25, 26)]
    [0.0, 0.5, 0.5, 0.05]
    """

    def __init__(self, peak, steps, course="cosine", warmup_steps=0, decay_at=(0.6, 0.85), decay_factor=0.1, start=0):
        super().__init__()
        if course not in COURSES:
            raise ValueError(f"`course` must be one of {COURSES}. Received: course={course!r}")
        if not 0 <= start < steps or warmup_steps < 0:
            raise ValueError(
                "`steps` must exceed `start`, and this and `warmup_steps` must not be negative. "
                f"Received: steps={steps}, start={start}, warmup_steps={warmup_steps}"
            )
        self.peak = peak
        self.steps = steps
        self.course = course
        self.warmup_steps = warmup_steps
        self.decay_at = tuple(decay_at)
        self.decay_factor = decay_factor
        self.start = start
        self._places = keras.Variable(self._of_steps(), trainable=False, dtype="float32", autocast=False, name="places")

    def set_steps(self, steps):
        """Has the course end after another number of steps."""
        self.steps = steps
        self._places.assign(self._of_steps())

    def restart(self, start, steps, peak):
        """Has warm-up and course begin anew; before a step is traced.

        Args:
            start: Step after which they begin.
            steps: Step at which the course ends.
            peak: Highest rate from there on.
        """
        self.start, self.peak = start, peak
        self.set_steps(steps)

    def _of_steps(self):
        """Where the run ends, where the warm-up does, and where the rate falls, counted from the start."""
        steps = self.steps - self.start
        falls = [round(share * steps) for share in sorted(self.decay_at)]
        return [float(place) for place in (steps, min(self.warmup_steps, steps // 10), *falls)]

    def __call__(self, step):
        step = ops.maximum(ops.cast(step, "float32") - self.start, 0.0)
        end, warm, *falls = ops.unstack(ops.convert_to_tensor(self._places), 2 + len(self.decay_at))
        rate = self.peak * ops.where(step < warm, step / ops.maximum(warm, 1.0), 1.0)
        if self.course == "cosine":
            return rate * 0.5 * (1.0 + ops.cos(math.pi * ops.minimum(1.0, step / end)))
        if self.course == "step":
            for fall in falls:
                rate = rate * ops.where(step > fall, self.decay_factor, 1.0)
        return rate

    def get_config(self):
        return {
            "peak": self.peak,
            "steps": self.steps,
            "course": self.course,
            "warmup_steps": self.warmup_steps,
            "decay_at": self.decay_at,
            "decay_factor": self.decay_factor,
            "start": self.start,
        }

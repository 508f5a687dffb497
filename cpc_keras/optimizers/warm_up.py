"""A linear warm-up in front of any learning-rate schedule."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="cpc_keras")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Raises the learning rate linearly from zero, then follows another schedule.

    The warm-up multiplies: at step `t < steps` the rate is `t / steps` of what
    the schedule says.

    Args:
        schedule: A float or a `keras.optimizers.schedules.LearningRateSchedule`.
        steps: Length of the warm-up; 0 is none.

    Raises:
        ValueError: If `steps` is negative.

    Reference:
        Goyal et al. 2017, arXiv 1706.02677, section 2.2.

    Example:

    >>> rate = WarmUp(keras.optimizers.schedules.PiecewiseConstantDecay([100], [0.5, 0.05]), steps=10)
    >>> [round(float(rate(step)), 3) for step in (0, 5, 10, 100, 101)]
    [0.0, 0.25, 0.5, 0.5, 0.05]
    """

    def __init__(self, schedule, steps):
        super().__init__()
        if steps < 0:
            raise ValueError(f"`steps` must not be negative. Received: steps={steps}")
        self.schedule = schedule
        self.steps = steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rate = self.schedule(step) if callable(self.schedule) else self.schedule
        return ops.cast(rate, "float32") * ops.minimum(1.0, step / max(1, self.steps) if self.steps else 1.0)

    def get_config(self):
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "steps": self.steps}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["steps"])

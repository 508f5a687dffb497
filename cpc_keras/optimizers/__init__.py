"""Optimizers and learning-rate schedules that Keras does not have."""

from cpc_keras.optimizers.averaged_adamw import AveragedAdamW, averaged_weights, averages, use_averages
from cpc_keras.optimizers.run_schedule import RunSchedule
from cpc_keras.optimizers.warm_up import WarmUp

__all__ = ["AveragedAdamW", "RunSchedule", "WarmUp", "averaged_weights", "averages", "use_averages"]

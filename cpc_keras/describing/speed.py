"""How fast a model trains on this machine, by steps that it takes."""

import contextlib
import dataclasses
import time

import keras

from cpc_keras.data.python_calls import await_calls

# Steps that are measured at the least, if they are not very slow, and how many times longer than asked it may take.
_STEPS, _PATIENCE = 8, 3
# Steps before them: the first is traced, and with the second everything has its place in memory.
_BEFORE = 2
# More than are ever measured.
_LIMIT = 100_000


@dataclasses.dataclass(frozen=True)
class StepTimes:
    """Seconds of steps one after the other.

    Attributes:
        first: Of the first step, tracing included.
        measured: Of those that count.
    """

    first: float
    measured: tuple

    @property
    def typical(self):
        """Seconds of a step: the mean of the middle half, which a hiccup of the machine does not move.

        Example:

        >>> StepTimes(9.0, (0.5, 0.5, 0.5, 0.5, 0.75, 0.75, 0.75, 7.0)).typical
        0.625
        """
        rising, cut = sorted(self.measured), len(self.measured) // 4
        middle = rising[cut : len(rising) - cut]
        return sum(middle) / len(middle)


def time_steps(model, batches, seconds, interrupts=None):
    """Trains a compiled model for some seconds and takes the time of each step.

    The model is left trained, and its step traced; see `unchanged`.

    Args:
        model: A compiled `keras.Model`.
        batches: What its `fit` takes, of at least as many batches as it may need.
        seconds: How long to measure, after tracing; some more for a few slow steps.
        interrupts: A `cpc_keras.pretraining.interrupts.Interrupts`, or `None`.

    Returns:
        A `StepTimes`.
    """
    timer = _StepTimer(seconds)
    callbacks = [timer, interrupts] if interrupts else [timer]
    model.fit(batches, epochs=1, steps_per_epoch=_LIMIT, callbacks=callbacks, verbose=0, shuffle=False)
    first, *after = timer.seconds
    return StepTimes(first, tuple(after[_BEFORE - 1 :] or after or [first]))


class _StepTimer(keras.callbacks.Callback):
    """Ends the training when enough steps have been timed."""

    def __init__(self, enough):
        super().__init__()
        self.enough = enough
        self.seconds = []

    def on_train_begin(self, logs=None):
        self._before = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        float(keras.ops.mean(logs["loss"]))  # accelerators work on while Python is ahead
        now = time.perf_counter()
        self.seconds.append(now - self._before)
        self._before = now
        measured = self.seconds[_BEFORE:]
        spent = sum(measured)
        if spent >= self.enough and (len(measured) >= _STEPS or spent >= _PATIENCE * self.enough):
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        await_calls()  # the iterator is about to be thrown away before its end


@contextlib.contextmanager
def unchanged(model, strategy):
    """A context after which a compiled model, and its optimizer, are as they were; what was traced stays traced.

    Args:
        model: A compiled `keras.Model`, whose optimizer is built.
        strategy: The `tf.distribute.Strategy` of its variables.
    """
    variables = [*model.variables, *model.optimizer.variables]
    before = [keras.ops.convert_to_numpy(variable) for variable in variables]
    try:
        yield
    finally:
        with strategy.scope():
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)

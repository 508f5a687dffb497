"""A callback that knows how far the whole run has come."""

import keras


class StepCounter(keras.callbacks.Callback):
    """Counts the steps of a run over all its calls.

    Args:
        start: Step at which this call starts.
    """

    def __init__(self, start):
        super().__init__()
        self.step = start

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1

"""The rows of a training's log go to its tracker as they come."""

import keras


class TrackerLog(keras.callbacks.Callback):
    """Sends the rows of `metrics.csv`; comes after checkpoints, so that no row is sent whose steps are taken again.

    Args:
        tracking: A `cpc_keras.trackers.tracking.Tracking`.
    """

    def __init__(self, tracking):
        super().__init__()
        self.tracking = tracking

    def on_epoch_end(self, epoch, logs=None):
        self.tracking.send_rows()

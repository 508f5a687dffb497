"""Ctrl-C between two steps of training, where it cannot get lost."""

import signal
import threading

import keras


class Interrupts(keras.callbacks.Callback):
    """Holds back Ctrl-C until the step under way is done, then raises `KeyboardInterrupt`.

    Raised wherever it falls, it may fall into a destructor or a callback from
    TensorFlow, which swallow it, and training would go on. A second Ctrl-C is
    not held back. To be entered as a context while training goes on; outside of
    the main thread, which alone receives signals, it does nothing.
    """

    def __init__(self):
        super().__init__()
        self.received = False
        self._before = None

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._receive)
        return self

    def __exit__(self, *error):
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _receive(self, number, frame):
        if self.received:
            raise KeyboardInterrupt
        self.received = True

    def on_train_batch_end(self, batch, logs=None):
        if self.received:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        self.on_train_batch_end(None)

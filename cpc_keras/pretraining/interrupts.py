"""Signals that stop a training between two of its steps, where they cannot get lost."""

import signal
import threading

import keras


class Interrupts(keras.callbacks.Callback):
    """Holds back Ctrl-C and SIGTERM until the step under way is done.

    Raised wherever it falls, an exception may fall into a destructor or a
    callback from TensorFlow, which swallow it, and training would go on. Ctrl-C
    then raises `KeyboardInterrupt`; a second one is not held back. SIGTERM, which
    a scheduler sends some seconds before it takes a machine away, sets
    `terminated`; whoever saves the training looks at it. To be entered as a
    context while training goes on; outside of the main thread, which alone
    receives signals, it does nothing.
    """

    def __init__(self):
        super().__init__()
        self.received = False
        self.terminated = False
        self._before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number, receive in ((signal.SIGINT, self._interrupt), (signal.SIGTERM, self._terminate)):
                self._before[number] = signal.signal(number, receive)
        return self

    def __exit__(self, *error):
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _interrupt(self, number, frame):
        if self.received:
            raise KeyboardInterrupt
        self.received = True

    def _terminate(self, number, frame):
        self.terminated = True

    def on_train_batch_end(self, batch, logs=None):
        if self.received:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        self.on_train_batch_end(None)

"""Signals that stop a training between two of its steps, where they cannot get lost."""

import signal
import threading

import keras

_WORDS = "Ctrl-C: the step under way is finished and saved; a second Ctrl-C ends at once."


class Interrupts(keras.callbacks.Callback):
    """Holds back Ctrl-C and SIGTERM until the step under way is done.

    Raised wherever it falls, an exception may fall into a destructor or a
    callback from TensorFlow, which swallow it, and training would go on. Ctrl-C
    sets `interrupted`; a second one is not held back. SIGTERM, which a scheduler
    sends some seconds before it takes a machine away, sets `terminated`. Whoever
    saves the training looks at them; where nobody does, `KeyboardInterrupt` follows
    the step. To be entered as a context while training goes on; outside of the main
    thread, which alone receives signals, it does nothing.

    Args:
        say: Function that tells the user a sentence; `None` tells nothing.
    """

    def __init__(self, say=None):
        super().__init__()
        self.interrupted = False
        self.terminated = False
        self._say = say
        self._before = {}

    @property
    def received(self):
        """Whether training is to end."""
        return self.interrupted or self.terminated

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
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        if self._say:
            # A signal may fall into the middle of a line that is printed; another thread waits for its end.
            threading.Thread(target=self._say, args=(_WORDS,), daemon=True).start()

    def _terminate(self, number, frame):
        self.terminated = True

    def on_train_batch_end(self, batch, logs=None):
        if self.interrupted:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        self.on_train_batch_end(None)

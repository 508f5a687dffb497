"""What a training leaves in its run's folder as it goes: which images each step saw, and checkpoints."""

import csv
import math
import os
import time

from cpc_keras.errors import DivergedError, Stopped
from cpc_keras.pretraining.step_counter import StepCounter
from cpc_keras.runs.checkpoints import (
    check_finite,
    last_good,
    metric_values,
    save_checkpoint,
    set_metric_values,
    take_part_in_saving,
)
from cpc_keras.runs.logs import is_digest, keep_rows
from cpc_keras.storage.reading import readable

# Between two rows of the log a training saves itself after so many seconds, and so many times as long as saving takes.
_SECONDS, _TIMES = 120.0, 50


class BatchLog(StepCounter):
    """Writes which images each optimizer step saw, as a hash, to `batches.csv`.

    Args:
        folder: The `RunFolder`.
        start: Step at which this call starts.
    """

    def __init__(self, folder, start):
        super().__init__(start)
        self.path = folder.batches_file
        self.rows = []
        keep_rows(self.path, ["step", "digest"], start, is_digest)

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        self.rows.append((self.step, f"{int(logs['batch_digest']):012x}"))

    def flush(self):
        """Writes what has come in."""
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(self.rows)
            file.flush()
            os.fsync(file.fileno())  # before the checkpoint that belongs to it is there
        self.rows = []

    def on_epoch_end(self, epoch, logs=None):
        self.flush()


class StopOnDivergence(StepCounter):
    """Ends a training that has gone astray; comes first, before anything is measured or saved.

    Args:
        folder: The `RunFolder`.
        start: Step at which this call starts.
    """

    def __init__(self, folder, start):
        super().__init__(start)
        self.folder = folder

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite(float(logs["loss"])):
            raise DivergedError(
                "`learning_rate` must keep the loss finite; try a lower one or precision='float32' in a new run. "
                f"Received: loss={float(logs['loss'])} in the steps up to {self.step}; the last good checkpoint is "
                f"{last_good(self.folder)}"
            )
        check_finite(self.model, self.folder, self.step)


class Checkpoints(StepCounter):
    """Saves at the end of each stretch, where the training is told to end, and after minutes; comes after the logs.

    What is saved between two rows of the log serves to resume alone. Several workers,
    whose clocks differ, do so where they are told to end.

    Args:
        folder: The `RunFolder`.
        recipe: The resolved `Recipe`.
        start: Step at which this call starts.
        interrupts: The `Interrupts` that hold back Ctrl-C and SIGTERM.
        batch_log: The `BatchLog`, where this process writes; `None` in workers
            that only take part.
        many_workers: Whether a signal is to end all workers after the same step.
    """

    def __init__(self, folder, recipe, start, interrupts, batch_log=None, many_workers=False):
        super().__init__(start)
        self.folder = folder
        self.recipe = recipe
        self.interrupts = interrupts
        self.batch_log = batch_log
        self.many_workers = many_workers
        self._metrics = folder.unfinished_metrics(start)
        self._saved, self._taken = time.monotonic(), 0.0

    def on_epoch_begin(self, epoch, logs=None):
        if self._metrics is not None:
            # Keras has reset them; where these cannot be read, the next row is of the steps from here on.
            readable(self.folder.unfinished_file(self.step), lambda _: set_metric_values(self.model, self._metrics))
            self._metrics = None

    def on_train_batch_begin(self, batch, logs=None):
        if self.many_workers and self.interrupts.received:
            self.model.ask_to_stop()

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        between = self.step % self.recipe.checkpoint_every and self.step < self.recipe.steps
        to_end = between and self._is_to_end(logs)
        if to_end or (between and self._is_due()):
            check_finite(self.model, self.folder, self.step)
            unfinished = metric_values(self.model)
            if self.batch_log:
                self.batch_log.flush()
            self.save(self.model, unfinished)
        if to_end:
            raise self._stopped()

    def on_epoch_end(self, epoch, logs=None):
        self.save(self.model)
        if self.step < self.recipe.steps and self._is_to_end(logs):
            raise self._stopped()

    def _stopped(self):
        words = f"step {self.step} is saved, and the same command goes on from it"
        return KeyboardInterrupt(words) if self.interrupts.interrupted else Stopped(f"told to end; {words}")

    def _is_to_end(self, logs):
        return float(logs["stop"]) > 0 if self.many_workers else self.interrupts.received

    def _is_due(self):
        return not self.many_workers and time.monotonic() - self._saved > max(_SECONDS, _TIMES * self._taken)

    def save(self, model, unfinished=None):
        """Saves a model after the step that has come.

        Args:
            model: A `CPC` model.
            unfinished: Values of the metrics, if the step lies between two rows of
                `metrics.csv`; see `metric_values`.
        """
        if self.batch_log is None:
            take_part_in_saving(model)
            return
        every = self.recipe.checkpoint_every if self.recipe.keep_milestones else None
        began = time.monotonic()
        save_checkpoint(model, self.folder, self.step, self.recipe.keep_checkpoints, every, unfinished)
        self._saved = time.monotonic()
        self._taken = self._saved - began

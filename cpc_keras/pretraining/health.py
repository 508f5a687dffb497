"""Answers "is my loss OK?" while a model trains."""

import csv
import math
import os
import time

from cpc_keras.pretraining.step_counter import StepCounter
from cpc_keras.progress import LoggedProgress, clock, duration, ending
from cpc_keras.runs.logs import is_number, keep_rows

# Below these the words come: a loss within this share of chance after this share
# of the steps, and a deviation of the codes that means collapse.
_AT_CHANCE, _PATIENCE, _COLLAPSED = 0.97, 0.15, 0.05
# Seconds of training from which on its end can be told, and after which a single step tells it.
_TELLING, _SLOW = 5.0, 60.0


def verdict(loss, chance, embedding_std, share_done):
    """What to tell the user about the training, in words.

    Args:
        loss: Mean InfoNCE loss.
        chance: Its value without information, `ln(candidates)`.
        embedding_std: Standard deviation of the codes, see `cpc_keras.models.embedding_std`.
        share_done: Share of the steps that are done.

    Returns:
        `"loss below chance, no collapse"` where all is well, or a warning.

    Example:

    >>> verdict(loss=3.1, chance=7.4, embedding_std=0.6, share_done=0.5)
    'loss below chance, no collapse'
    """
    if not math.isfinite(loss):
        return "WARNING: the loss is not a number; lower learning_rate or set precision='float32'"
    if embedding_std < _COLLAPSED and share_done >= _PATIENCE:  # without norms, codes begin close together
        return "WARNING: the codes have collapsed to nearly one point; lower learning_rate or check the images"
    if loss > _AT_CHANCE * chance:
        if share_done < _PATIENCE:
            return "still at chance, as is usual at the start"
        return "WARNING: training has not left chance; raise learning_rate or scale, or choose offsets that lie nearer"
    return "loss below chance, no collapse"


class HealthLog(StepCounter):
    """Progress bar, health lines, `metrics.csv` and TensorBoard logs.

    To be entered as a context while training goes on.

    Args:
        folder: The `RunFolder`.
        recipe: The resolved `Recipe`.
        images: Number of images in an epoch.
        start: Step at which this call starts.
        console: A `rich.console.Console`.
        probe: A `cpc_keras.pretraining.online_probe.OnlineProbe`, or `None`.
        expected: Seconds that the training is expected to take, where they are known.
    """

    def __init__(self, folder, recipe, images, start, console, probe=None, expected=None):
        super().__init__(start)
        self.path = folder.metrics_file
        self.images = images
        self.recipe = recipe
        tasks = [f"{direction}_{k}" for direction in recipe.directions for k in recipe.offsets]
        self.columns = [
            *("step", "epoch", "loss", "chance", "accuracy"),
            *(f"accuracy_{task}" for task in tasks),
            *(f"loss_{task}" for task in tasks),
            *("embedding_std", "images_per_second"),
            *(("probe_accuracy",) if probe else ()),
        ]
        self.probe = probe
        self.tasks = tasks
        self.writer = _tensorboard_writer(folder.tensorboard, console)
        self.progress = LoggedProgress(console)
        self.bar = self.progress.add_task(
            "pre-training", total=recipe.steps, completed=start, batch_size=recipe.batch_size
        )
        self._expected = expected
        self._told_end = False
        self._first_step = None
        keep_rows(self.path, self.columns, start, is_number)

    def __enter__(self):
        self.progress.start()
        if self._expected is None:
            self.progress.say("Tracing the first step.")
        else:
            self._tell_end(self._expected)
        return self

    def __exit__(self, *error):
        self.progress.stop()
        if self.writer:
            self.writer.close()

    def on_epoch_begin(self, epoch, logs=None):
        self.began, self.first = time.perf_counter(), self.step

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        self.progress.update(self.bar, completed=self.step)
        now = time.perf_counter()
        if self._first_step is None:
            self._first_step = (now, self.step)
        elif not self._told_end and self.step < self.recipe.steps:
            passed, steps = now - self._first_step[0], self.step - self._first_step[1]
            if passed > _SLOW or (passed > _TELLING and steps > 1):
                self._tell_end(passed / steps * (self.recipe.steps - self.step))

    def _tell_end(self, seconds):
        self._told_end = True
        self.progress.say(f"Ends at about {clock(seconds)}, in {duration(seconds)}.")

    def on_epoch_end(self, epoch, logs=None):
        steps = self.step - self.first
        seen = self.step * self.recipe.batch_size
        row = {
            **{name: float(value) for name, value in logs.items()},
            "step": self.step,
            "epoch": seen / self.images,
            "images_per_second": steps * self.recipe.batch_size / (time.perf_counter() - self.began),
        }
        if self.probe:
            row["probe_accuracy"] = self.probe.score()
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow([_short(row[name]) for name in self.columns])
            file.flush()
            os.fsync(file.fileno())  # before the checkpoint that belongs to it is there
        if self.writer:
            self._write_tensorboard(row)
        self.progress.say(self._line(row))

    def _line(self, row):
        hits = ", ".join(f"{task.replace('_', ' ')}: {row[f'accuracy_{task}']:.0%}" for task in self.tasks)
        probe = f"online probe {row['probe_accuracy']:.1%}  " if self.probe else ""
        left = self.progress.tasks[0].time_remaining if self.step < self.recipe.steps else None
        end = f"{ending(left)}  " if left else ""
        words = verdict(row["loss"], row["chance"], row["embedding_std"], self.step / self.recipe.steps)
        return (
            f"step {self.step:>6,}  loss {row['loss']:.2f} (chance {row['chance']:.2f})  "
            f"accuracy {row['accuracy']:.0%} ({hits})  embedding std {row['embedding_std']:.2f}  "
            f"{row['images_per_second']:.0f} images/s  {probe}{end}{words}"
        )

    def _write_tensorboard(self, row):
        import tensorflow as tf

        with self.writer.as_default(step=self.step):
            for name in self.columns[2:]:
                tf.summary.scalar(name, row[name])
        self.writer.flush()


def _tensorboard_writer(path, console):
    try:
        import tensorboard  # noqa: F401  (tf.summary.scalar needs it)
        import tensorflow as tf
    except ImportError:
        console.print("No TensorBoard logs: pip install 'cpc-keras[tensorboard]' to have them.")
        return None
    return tf.summary.create_file_writer(os.fsencode(path))  # a text must be UTF-8


def _short(value):
    return value if isinstance(value, int) else f"{value:.6g}"

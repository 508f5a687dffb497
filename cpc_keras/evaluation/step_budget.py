"""How long networks that learn from unlabelled images may take, each in a number of steps."""

import dataclasses
import functools
import time

import keras
import numpy as np
import tensorflow as tf

from cpc_keras.evaluation.classifier import usual_batch_size, usual_steps
from cpc_keras.evaluation.regimes import REGIMES
from cpc_keras.progress import clock, duration
from cpc_keras.storage.atomic import write_json
from cpc_keras.storage.reading import check_kinds, read_json

# Images a step, and steps whose median counts, when a speed is measured.
_BATCH, _STEPS = 64, 5
# Seconds that each network takes before its first step: for its start, and to be traced.
_BEFORE = 25.0


@dataclasses.dataclass(frozen=True)
class StepBudget:
    """As many steps as other networks have, or fewer.

    Attributes:
        seconds_an_image: Of one image's way through the encoder, forwards and backwards.
        minutes: That a network may take; `None` for as long as its steps take.
    """

    seconds_an_image: float
    minutes: float | None = None

    def seconds_a_step(self, method, labels):
        """Of a network of `cpc_keras.evaluation.regimes.REGIMES` with so many labels."""
        regime, batch_size = REGIMES[method], min(usual_batch_size(labels), labels)
        return self.seconds_an_image * regime.passes * batch_size * (1 + regime.unlabelled)

    def steps(self, method, classes, labels):
        """Steps of a network.

        Args:
            method: One of `REGIMES`.
            classes: Number of classes.
            labels: Number of labels.

        Example:

        >>> budget = StepBudget(seconds_an_image=0.001, minutes=1.0)
        >>> [budget.steps("pseudo_label", 10, labels) for labels in (50, 600)], StepBudget(0.001).steps("vat", 10, 50)
        ([346, 234], 346)
        """
        usual = usual_steps(labels, classes)
        if self.minutes is None:
            return usual
        return max(1, min(usual, int(60 * self.minutes / self.seconds_a_step(method, labels))))

    def of(self, method, classes):
        """Function from a number of labels to steps, for a `NetworkClassifier`."""
        return functools.partial(self.steps, method, classes)

    def seconds(self, method, classes, labels):
        """What a network takes, about."""
        return _BEFORE + self.steps(method, classes, labels) * self.seconds_a_step(method, labels)

    def words(self, networks, classes):
        """What networks take, in a sentence.

        Args:
            networks: List of `(method, labels)`, at least one.
            classes: Number of classes.
        """
        each = [self.seconds(method, classes, labels) for method, labels in networks]
        shortest, longest = duration(min(each)), duration(max(each))
        range_of = shortest if shortest == longest else f"{shortest} to {longest}"
        many = f"{len(each)} networks learn" if len(each) > 1 else "One network learns"
        return (
            f"{many} from unlabelled images, too, about {range_of} each on this machine "
            f"({1 / self.seconds_an_image:,.0f} images/s through the encoder): until about {clock(sum(each))} "
            f"({duration(sum(each))}), beside searches and the other rows, less what is finished."
        )


def kept_budget(folder):
    """The `StepBudget` that a run was evaluated with; `None` if steps were as usual.

    Args:
        folder: A `cpc_keras.runs.folder.RunFolder`.
    """
    kept = read_json(folder.step_budget_file, functools.partial(check_kinds, seconds_an_image=float, minutes=float))
    return None if kept is None else StepBudget(kept["seconds_an_image"], kept["minutes"])


def make_budget(folder, backbone, crop, minutes):
    """The `StepBudget` of an evaluation: of the same minutes the one that was kept, so that it goes on as it began.

    Args:
        folder: A `cpc_keras.runs.folder.RunFolder`.
        backbone: A `keras.Model` from images to maps.
        crop: Side of the images.
        minutes: That a network may take, or `None`.
    """
    kept = kept_budget(folder)
    if minutes is None:
        folder.step_budget_file.unlink(missing_ok=True)
    elif kept is not None and kept.minutes == minutes:
        return kept
    found = StepBudget(_seconds_an_image(backbone, crop), minutes and float(minutes))
    if minutes is not None:
        write_json(folder.step_budget_file, dataclasses.asdict(found))
    return found


def _seconds_an_image(backbone, crop):
    """Measured, as it is beside whatever else the machine does."""
    images = keras.ops.zeros((_BATCH, crop, crop, backbone.input_shape[-1]))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.cast(backbone(images, training=True), tf.float32))
        return tape.gradient(loss, [weight.value for weight in backbone.trainable_weights])

    state = [np.array(weight) for weight in backbone.non_trainable_weights]
    times = []
    for _ in range(1 + _STEPS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    for weight, value in zip(backbone.non_trainable_weights, state, strict=True):
        weight.assign(value)
    return float(np.median(times[1:])) / _BATCH

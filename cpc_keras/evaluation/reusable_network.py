"""A network that is compiled once and trained many times, each time from where it began."""

import functools
import math
import random
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

OPTIMIZERS = {
    "adamw": keras.optimizers.AdamW,
    "lamb": keras.optimizers.Lamb,
    "sgd": functools.partial(keras.optimizers.SGD, momentum=0.9, nesterov=True),
}
# Steps of a small network in one call: a step on vectors takes less time than Python needs to ask for it. Tracing
# the loop costs a second, so trainings must be long enough; large networks stay open to a signal after every step.
_TOGETHER, _LONG, _SMALL = 8, 200, 100_000
# Share of the steps over which an average of weights reaches back.
_AVERAGED = 0.05


class ReusableNetwork:
    """Trains a network again and again without tracing it again.

    Tracing takes as long as a short training. So learning rate and weight decay are
    variables, and starting weights are kept until those of another seed are asked
    for. Keras draws them by Python's generator, which alone is seeded for them:
    after `tf.random.set_seed` TensorFlow optimises every traced function anew, a
    second or two each.

    Args:
        build: Function without arguments to a `keras.Model` from inputs to class
            probabilities, with the weights that training starts from.
        loss: As for `keras.Model.compile`.
        optimizer: One of `OPTIMIZERS`.
        long: Whether trainings have many steps.
        trainer: Function `(model, seed)` to the `keras.Model` that trains it, not
            compiled, such as a `cpc_keras.semi_supervised.SemiSupervised`; `None` for
            Keras' own.
        averaged: Whether the weights in the end are an exponential average of those of the last
            steps.
    """

    def __init__(self, build, loss, optimizer, long=False, trainer=None, averaged=False):
        self._build = build
        self._loss = loss
        self._optimizer = OPTIMIZERS[optimizer]
        self._long = long
        self._trainer = trainer or _plain
        self._averaged = averaged
        self._seed: int | None = None
        self._start: list[np.ndarray] = []
        self._variables: list[Any] = []
        self.model: Any = None
        self._trained: Any = None

    def reset(self, seed):
        """Gives the model the weights that it starts from with a seed.

        Returns:
            The model, the same one every time.
        """
        if seed != self._seed:
            random.seed(seed)
            new = self._build()
            # The model itself stays as it was built, so that whoever saves it saves nothing of how it was trained.
            trained = self._trainer(new, seed)
            # `variables` counts dropout's random state, which `weights` does not.
            self._seed, self._start = seed, [np.array(variable) for variable in trained.variables]
            if self.model is None:
                self._variables = list(trained.variables)
                self._compile(new, trained)
        for variable, value in zip(self._variables, self._start, strict=True):
            variable.assign(value)
        for variable in self._trained.optimizer.variables:
            variable.assign(ops.zeros_like(variable))
        return self.model

    def train(self, batches, steps, peak, weight_decay):
        """Trains for a number of steps, with warm-up and cosine decay.

        Args:
            batches: `tf.data.Dataset` of as many `(inputs, labels, weights)`, or what else the
                `fit` of its trainer takes.
            steps: Whole number.
            peak: Highest learning rate.
            weight_decay: Decoupled.
        """
        self._rate.begin(peak, steps)
        self._trained.optimizer.weight_decay.assign(weight_decay)
        if self._averaged:
            self._trained.optimizer.ema_momentum.assign(max(0.0, 1.0 - 1.0 / (_AVERAGED * steps)))
        self._trained.fit(batches, epochs=1, steps_per_epoch=steps, verbose=0, shuffle=False)

    def predict(self, batches):
        """Probabilities, `[N, classes]`, of batches of inputs."""
        return np.concatenate([self._predict(batch).numpy() for batch in batches])

    def _compile(self, model, trained):
        self._rate = _WarmUpAndCosine()
        optimizer = self._optimizer(self._rate, weight_decay=0.0, use_ema=self._averaged)
        optimizer.weight_decay = tf.Variable(0.0, trainable=False)
        optimizer.ema_momentum = tf.Variable(0.0, trainable=False)
        trained.compile(
            optimizer=optimizer,
            loss=self._loss,
            jit_compile=False,
            steps_per_execution=_TOGETHER if self._long and model.count_params() <= _SMALL else 1,
        )
        self._trained = trained
        optimizer.build(trained.trainable_variables)
        shape = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        self._predict = tf.function(lambda batch: model(batch, training=False), input_signature=[shape])
        self.model = model


def _plain(model, seed):
    """Trains on labelled images, as Keras does."""
    return keras.Model(model.input, model.output)


def is_long(steps):
    """Whether a training has so many steps that a small network should take several at a time."""
    return steps >= _LONG


class _WarmUpAndCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Warm-up over a tenth of the steps, then cosine decay to zero; both can be set anew in a traced network.

    Keras asks for the rate once a weight, so that it is looked up: to compute it takes a tenth of tracing.
    """

    def __init__(self):
        super().__init__()
        self._rates = tf.Variable([0.0], shape=[None], trainable=False)

    def begin(self, peak, steps):
        """Of the training that comes next."""
        step, warmup = np.arange(steps + 1), max(1, steps // 10)
        falling = 0.5 * (1.0 + np.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
        self._rates.assign(peak * np.where(step < warmup, (step + 1) / warmup, falling))

    def __call__(self, step):
        return tf.gather(self._rates, step)

"""AdamW with a Polyak average of the weights that training never sees."""

import contextlib

import keras
from keras import ops

from cpc_keras.backend.kernels import adam


@keras.saving.register_keras_serializable(package="cpc_keras")
class AveragedAdamW(keras.optimizers.AdamW):
    """AdamW that keeps an exponential moving average of the weights beside them.

    The average is moved once for every applied update: not at the batches
    between, if gradients are accumulated. `fit` ends with the raw weights in the
    model, and the average is part of the optimizer's state, so that training
    which is stopped, saved and taken up again equals training that never
    stopped. (Keras' own `use_ema` overwrites the weights when `fit` ends, and
    moves the average at every batch.) Evaluate with `averaged_weights`.

    The decay of update `t`, counted from 0, is `min(average_decay, (1 + t) / (10 + t))`,
    which lets a short run forget its beginning.

    Batch norm's running statistics are no weights and are not averaged: they
    remain those of the raw weights.

    Weight decay is decoupled and leaves out vectors and scalars: biases, and the
    scales of norms.

    Args:
        learning_rate: Float or `keras.optimizers.schedules.LearningRateSchedule`;
            a schedule counts batches, not updates, where gradients are accumulated.
        average_decay: Share of the average that an update keeps, in `[0, 1)`;
            `None` keeps no average.
        weight_decay: As for `keras.optimizers.AdamW`; 0 is plain Adam.
        **kwargs: As for `keras.optimizers.AdamW`.

    Raises:
        ValueError: If `average_decay` is outside `[0, 1)`.

    Reference:
        Polyak and Juditsky 1992 (averaging); Loshchilov and Hutter 2019,
        arXiv 1711.05101 (decoupled weight decay).

    Example:

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile(AveragedAdamW(0.1, average_decay=0.9), loss="mse")
    >>> _ = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=3, verbose=0)
    >>> raw = model.layers[0].kernel.numpy()
    >>> with averaged_weights(model):
    ...     averaged = model.layers[0].kernel.numpy()
    >>> bool((averaged != raw).all() and (model.layers[0].kernel.numpy() == raw).all())
    True
    """

    def __init__(self, learning_rate=1e-3, average_decay=None, weight_decay=0.0, **kwargs):
        super().__init__(learning_rate=learning_rate, weight_decay=weight_decay, **kwargs)
        if average_decay is not None and not 0.0 <= average_decay < 1.0:
            raise ValueError(f"`average_decay` must lie in [0, 1). Received: average_decay={average_decay}")
        self.average_decay = average_decay

    @property
    def learning_rate_schedule(self):
        """The schedule that it was given, or the variable of a constant rate."""
        return self._learning_rate

    def build(self, var_list):
        if self.built:
            return
        super().build(var_list)
        self.averages = []
        if self.average_decay is not None:
            self.averages = [
                self.add_variable_from_reference(
                    variable,
                    name="polyak_average",
                    initializer=lambda shape, dtype, variable=variable: ops.copy(ops.cast(variable, dtype)),
                )
                for variable in var_list
            ]

    def _use_weight_decay(self, variable):
        return len(variable.shape) >= 2 and super()._use_weight_decay(variable)

    def update_step(self, gradient, variable, learning_rate):
        place = self._get_variable_index(variable)
        averages = [] if self.average_decay is None else [self.averages[place]]
        update = ops.cast(self.iterations, "float32")
        decay = ops.minimum(self.average_decay or 0.0, (1.0 + update) / (10.0 + update))
        if adam.pays(variable) and not self.amsgrad:
            rate = ops.cast(learning_rate, "float32") * ops.sqrt(1.0 - ops.power(self.beta_2, update + 1.0))
            rate = rate / (1.0 - ops.power(self.beta_1, update + 1.0))
            kept = [self._momentums[place], self._velocities[place], variable, *averages]
            values = [ops.copy(one) for one in kept]
            moved = adam.update(gradient, values, rate, decay, self.beta_1, self.beta_2, self.epsilon)
            for one, value in zip(kept, moved, strict=True):
                self.assign(one, value)
            return
        super().update_step(gradient, variable, learning_rate)
        for average in averages:
            self.assign_add(average, ops.cast(1.0 - decay, average.dtype) * (variable - average))

    def training_state(self):
        """Places in `variables` of what nothing but further training reads: moments, and accumulated gradients."""
        kept = {id(average) for average in self.averages} if self.built else set()
        return [place for place, one in enumerate(self.variables) if len(one.shape) and id(one) not in kept]

    def load_own_variables(self, store):
        """Reads the state of a file; where it lacks all or some of `training_state`, that begins at zero.

        Args:
            store: Dictionary from place in `variables`, as text, to value.
        """
        missing = set(range(len(self.variables))) - set(map(int, store.keys()))
        if not missing or not missing <= set(self.training_state()):
            super().load_own_variables(store)
            return
        for place, variable in enumerate(self.variables):
            variable.assign(ops.zeros_like(variable) if place in missing else store[str(place)])

    def get_config(self):
        return {**super().get_config(), "average_decay": self.average_decay}


def averages(model):
    """The Polyak averages that belong to a model's trainable weights.

    Args:
        model: A compiled `keras.Model`.

    Returns:
        A list like `model.trainable_weights`, or `None` if its optimizer keeps
        no average.
    """
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # loss scaling, with float16
    return getattr(optimizer, "averages", None) or None


def use_averages(model):
    """Overwrites a model's weights with their averages, where there are any.

    For a model that will not be trained on; otherwise see `averaged_weights`.

    Args:
        model: A compiled `keras.Model`.
    """
    kept = averages(model)
    if kept is not None:
        for weight, average in zip(model.trainable_weights, kept, strict=True):
            weight.assign(average)


@contextlib.contextmanager
def averaged_weights(model):
    """Has a model work with its averaged weights for the length of a `with` block.

    A model whose optimizer keeps no average is left as it is.

    Args:
        model: A compiled `keras.Model`.
    """
    kept = averages(model)
    if kept is None:
        yield
        return
    raw = [ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    use_averages(model)
    try:
        yield
    finally:
        for weight, value in zip(model.trainable_weights, raw, strict=True):
            weight.assign(value)

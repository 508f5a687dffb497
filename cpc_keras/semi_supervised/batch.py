"""What the terms of a semi-supervised loss are given of one step."""

import dataclasses
import functools
from typing import Any


@dataclasses.dataclass(eq=False)
class Batch:
    """What terms of the loss are given of one step.

    Attributes:
        model: The `SemiSupervised` model.
        labels: Integer tensor `[L]`.
        share: Share of all steps that are done, float32 scalar in `[0, 1]`.
        everything: Labelled images and behind them unlabelled ones, changed weakly,
            float tensor `[L + U, …]`.
        everything_unchanged: The same as they came.
        all_logits: Float32 tensor `[L + U, classes]`, of `everything`.
        targets: Float tensor `[U, classes]`, probabilities that were said of the unlabelled
            images before the training; `None` if none were.
        kept: A dictionary in which a term keeps what it needs twice.
    """

    model: Any
    labels: Any
    share: Any
    everything: Any
    everything_unchanged: Any
    all_logits: Any
    targets: Any = None
    kept: dict = dataclasses.field(default_factory=dict)

    @property
    def seed(self):
        """What noise is drawn by, a `keras.random.SeedGenerator`."""
        return self.model.seed_generator

    @property
    def logits(self):
        """Logits `[L, classes]` of the labelled images."""
        return self.all_logits[: self.model.count_of(self.labels)]

    @property
    def unlabelled_logits(self):
        """Logits `[U, classes]` of the unlabelled images, changed weakly."""
        return self.all_logits[self.model.count_of(self.labels) :]

    @functools.cached_property
    def strong_logits(self):
        """Logits `[U, classes]` of the unlabelled images, changed strongly."""
        unlabelled = self.everything_unchanged[self.model.count_of(self.labels) :]
        return self.forward(self.strongly_changed(unlabelled))[1]

    def strongly_changed(self, images):
        """Images, changed strongly; each draws for itself."""
        return self.model.strong(images, training=True)

    def forward(self, images):
        """`(features, logits)` of changed images, in training; statistics of batch norm stay as they are."""
        with self.model.statistics_kept():
            return self.model.forward(images, training=True)

    def logits_again(self, images):
        """Logits of images in the place of `everything`, by the same dropout masks; statistics stay as they are."""
        with self.model.state_as_before():
            return self.model.forward(images, training=True)[1]

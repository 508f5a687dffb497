"""What all terms of a semi-supervised loss have."""

import abc


class Term(abc.ABC):
    """One term of the loss of `SemiSupervised`: called with a `Batch`, it gives a float32 scalar without its weight.

    Args:
        weight: What it is multiplied by.

    Attributes:
        name: What logs call it.
        needs_strong: Whether it asks for the unlabelled images as they are changed strongly.

    Raises:
        ValueError: If the weight is negative.
    """

    name = "term"
    needs_strong = False

    def __init__(self, weight=1.0):
        if not weight >= 0.0:
            raise ValueError(f"`weight` must not be negative. Received: weight={weight}")
        self.weight = weight

    @abc.abstractmethod
    def __call__(self, batch):
        """The term of a step, a float32 scalar."""

    def build(self, features):
        """Makes what it trains of its own.

        Args:
            features: Shape of the encoder's output.

        Returns:
            A list of Keras layers.
        """
        return []

    def labelled_copies(self, batch):
        """Logits `[n·B, classes]` of `n` more copies of the labelled images, of the same classes, or `None`.

        One copy of all images comes after the other.
        """
        return None

    def label_weights(self, batch):
        """Weights `[B]` of the labelled images in the cross-entropy, mean 1; `None` leaves them alike."""
        return None

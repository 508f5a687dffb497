"""A probe during pre-training, on labelled images of its own."""

import numpy as np
from sklearn.model_selection import train_test_split

from cpc_keras.data.preparation import prepare
from cpc_keras.data.sources import open_source
from cpc_keras.errors import InputError
from cpc_keras.evaluation.features import EncoderFeatures, extract
from cpc_keras.evaluation.probes import LinearProbe
from cpc_keras.evaluation.scores import scores
from cpc_keras.optimizers import averaged_weights

# Labelled images from which on the figure says something.
_FEWEST = 20


class OnlineProbe:
    """Balanced accuracy of a linear probe on half of a small labelled set, trained on the other half.

    It is a gauge, with one fixed `C` and one pooling of the features. Its
    images are left out of what `cpc-keras evaluate` trains on.

    Args:
        model: The `CPC` model, watched as it trains.
        images: A labelled `ImageSet`, prepared.
        crop: Side of the centre crop in pixels.
        seed: Seed of the halves.
    """

    def __init__(self, model, images, crop, seed=0):
        self.model = model
        self.images = images
        self.crop = crop
        self.features = EncoderFeatures(model)
        positions = np.arange(len(images))
        self.train, self.test = train_test_split(positions, test_size=0.5, random_state=seed, stratify=images.labels)

    def score(self):
        """Balanced accuracy now, in `[0, 1]`, of the averaged weights where there are any."""
        with averaged_weights(self.model):
            features = extract(self.features, self.images, self.crop)
        probe = gauge_probe()
        labels = self.images.labels
        probe.fit({name: values[self.train] for name, values in features.items()}, labels[self.train], features)
        found = probe.predict_proba({name: values[self.test] for name, values in features.items()})
        return scores(labels[self.test], found, probe.classes_)["balanced_accuracy"]


def gauge_probe():
    """A `LinearProbe` in which nothing is chosen: for comparing an encoder with itself."""
    return LinearProbe(Cs=(1e-2,), poolings=("grid2",))


def open_probe_images(recipe, name="online_probe"):
    """The labelled images that a field of a recipe names, prepared; `None` if it names none.

    Args:
        recipe: A resolved `Recipe`.
        name: Of the field.

    Raises:
        InputError: If they have no labels, or too few.
    """
    source = getattr(recipe, name)
    if source is None:
        return None
    images = open_source(source, max_bad_share=recipe.max_bad_share)
    if images.labels is None:
        raise InputError(f"`{name}` must have labels. Received: {name}={source}")
    images = prepare(images, recipe.channels, recipe.short_side, recipe.max_bad_share)
    counts = np.unique(images.labels, return_counts=True)[1]
    if len(counts) < 2 or counts.min() < 2 or len(images) < _FEWEST:
        raise InputError(
            f"`{name}` must have two classes of two images each, and {_FEWEST} images. "
            f"Received: {name}={source} with {len(images)} in {len(counts)} classes"
        )
    return images

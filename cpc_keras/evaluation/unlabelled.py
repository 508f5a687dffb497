"""The images that a network learns from without their labels."""

import functools

import numpy as np

from cpc_keras.data.image_set import joined
from cpc_keras.storage import digests


class UnlabelledImages:
    """Gives each `Split` the images to learn from without labels.

    They are those of its `pool` and the labelled ones. Copies of images that it is tested
    on are left out.

    Args:
        data: A `LabelledImages`.
    """

    def __init__(self, data):
        self.data = data

    def __call__(self, split):
        """An `ImageSet`."""
        data = self.data
        if data.pool is None:
            return data.train.subset(np.union1d(split.pool, split.train))
        known = {self._known[position] for position in split.train}
        known |= {self._tested[position] for position in split.test}
        others = [position for position in split.pool if self._pool[position] not in known]
        return joined(data.pool.subset(np.array(others, "int64")), data.train.subset(split.train))

    @functools.cached_property
    def _pool(self):
        return _contents(self.data.pool)

    @functools.cached_property
    def _known(self):
        return _contents(self.data.train)

    @functools.cached_property
    def _tested(self):
        return self._known if self.data.test is None else _contents(self.data.test)


def _contents(images):
    """Digest of each image's pixels."""
    return [digests.of_array(images.read(position)) for position in range(len(images))]

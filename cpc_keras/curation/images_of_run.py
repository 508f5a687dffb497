"""The images of a run as its encoder sees them."""

import numpy as np

from cpc_keras.evaluation.encoders import cpc_encoder
from cpc_keras.evaluation.feature_store import open_store, usual_features
from cpc_keras.evaluation.run_labels import open_prepared
from cpc_keras.runs.checkpoints import load_last_model
from cpc_keras.runs.folder import RunFolder


class ImagesOfRun:
    """Sets of images and their features by the encoder of a run, at its last checkpoint.

    Features are kept where an evaluation of the run keeps them.

    Args:
        run: Path of the run's folder.
        progress: As `cpc_keras.progress.NoProgress`.

    Attributes:
        folder: The `RunFolder`.
        recipe: Its resolved `Recipe`.

    Raises:
        InputError: If the folder is no run, or has no checkpoint.
    """

    def __init__(self, run, progress):
        self.folder = RunFolder(run)
        self.recipe = self.folder.open()
        _, model = load_last_model(self.folder)
        self.encoder = cpc_encoder(model)
        self.progress = progress

    def open(self, source=None, labelled_only=False):
        """The training images of a source, prepared as the run's own.

        Args:
            source: See `cpc_keras.data.open_source`; the run's if `None`.
            labelled_only: Whether images without a label are left out.

        Returns:
            An `ImageSet`.

        Raises:
            InputError: If it cannot be opened.
        """
        return open_prepared(self.recipe, source or self.recipe.data, self.progress, labelled_only)

    def features(self, images):
        """Features of all images of a set.

        Returns:
            Float32 array `[N, D]`, the usual pooling.
        """
        encoder, stored = self.encoder, self.folder.evaluation / "features"
        store = open_store(stored, encoder.features, encoder.digest, images, self.recipe.crop)
        return usual_features(store, np.arange(len(images)), self.progress)

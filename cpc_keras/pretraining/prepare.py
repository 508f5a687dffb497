"""A run whose recipe is resolved and whose images are open."""

import dataclasses
import functools
import time

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from cpc_keras.backend.determinism import enable_determinism
from cpc_keras.backend.distribution import check_replicas, distribute, has_many_workers, is_chief, wait_for
from cpc_keras.config.image_sizes import enlargement, shrinkage
from cpc_keras.config.jitter import is_left_open
from cpc_keras.config.recipe import AUTO, Recipe
from cpc_keras.config.resolve import open_images, resolve
from cpc_keras.data.image_set import ImageSet
from cpc_keras.data.pipeline import training_batches
from cpc_keras.data.preparation import prepare as prepare_images
from cpc_keras.errors import InputError
from cpc_keras.pretraining.online_probe import open_probe_images
from cpc_keras.progress import ProgressBars
from cpc_keras.runs.folder import RunFolder
from cpc_keras.trackers.tracker import check_tracker


@dataclasses.dataclass
class Run:
    """A run whose recipe is resolved and whose images are open: what `fit` takes.

    Attributes:
        asked: The `Recipe` as it was given.
        recipe: The same, resolved.
        folder: The `RunFolder`.
        images: The `ImageSet`, prepared.
        sizes: Height, width and channels of the images as they were found, `[N, 3]`.
        labelled: Labelled images of the online probe, or `None`.
        deciding: Labelled images by which the jitter of a new run is chosen, or `None`.
        strategy: The `tf.distribute.Strategy`.
        console: A `rich.console.Console` to report to; a quiet one where another
            worker reports.
        began: When its preparation began, as `time.monotonic` has it.
        opened: When its images were open.
    """

    asked: Recipe
    recipe: Recipe
    folder: RunFolder
    images: ImageSet
    sizes: np.ndarray
    labelled: ImageSet | None
    deciding: ImageSet | None
    strategy: tf.distribute.Strategy
    console: Console
    began: float
    opened: float

    @property
    def chief(self):
        """Whether this process is the one that writes."""
        return is_chief(self.strategy)

    def batches(self, **steps):
        """`tf.data.Dataset` of training batches, of all replicas.

        Args:
            **steps: `start_step` and `steps` of `training_batches`.
        """
        recipe = self.recipe
        batches = functools.partial(
            training_batches, self.images, recipe.batch_size, recipe.crop, recipe.seed, flip=recipe.flip, **steps
        )
        return distribute(self.strategy, batches)


def prepare(recipe, run, console, strategy=None, may_be_longer=False):
    """Resolves a recipe and opens its images. Writes nothing.

    Args:
        recipe: A `Recipe`.
        run: Path of the run's folder; workers share it, and the first one writes.
        console: A `rich.console.Console` to report to.
        strategy: A `tf.distribute.Strategy`, such as
            `cpc_keras.backend.distribution.open_strategy` gives; one device if `None`.
        may_be_longer: Whether a finished run may be made longer.

    Returns:
        A `Run`.

    Raises:
        InputError: If the recipe does not fit the images, the folder or the replicas, or
            its tracker is not installed.
    """
    began = time.monotonic()
    check_tracker(recipe.tracker)
    enable_determinism()
    keras.utils.set_random_seed(recipe.seed)
    strategy = strategy or tf.distribute.get_strategy()
    chief = is_chief(strategy)
    folder = RunFolder(run)
    open_end = dataclasses.replace(recipe, minutes=None) if recipe.minutes == AUTO else recipe
    many = has_many_workers(strategy)
    if many and open_end.minutes is not None and not folder.recipe_file.is_file():
        raise _no_minutes(open_end)
    console = console if chief else Console(quiet=True)
    console.print(f"Opening {recipe.data}.")
    with ProgressBars(console) as progress:
        found = open_images(recipe, progress)
        if not chief:
            wait_for(folder.recipe_file)
        resolved = folder.settle(recipe, lambda: resolve(open_end if many else recipe, found), may_be_longer)
        if many and resolved.minutes is not None:
            raise _no_minutes(resolved)
        check_replicas(strategy, resolved)
        for note in filter(None, (enlargement(resolved, found), shrinkage(recipe, resolved, found))):
            console.print(f"Note: {note}")
        images = prepare_images(found, resolved.channels, resolved.short_side, resolved.max_bad_share, progress)
        labelled = open_probe_images(resolved) if chief else None
        deciding = None
        if is_left_open(recipe) and not many and not folder.recipe_file.is_file():
            deciding = open_probe_images(resolved, "labelled") or labelled
    opened = time.monotonic()
    return Run(recipe, resolved, folder, images, found.sizes, labelled, deciding, strategy, console, began, opened)


def _no_minutes(recipe):
    return InputError(
        "`minutes` must be None with several workers, which would not measure the same; set the number of steps: "
        f"--set minutes=None --set steps=N. Received: minutes={recipe.minutes:g}"
    )

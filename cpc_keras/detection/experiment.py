"""One detector of a transfer: its data, its backbone, its training, and its detections."""

import dataclasses
import functools
import pathlib
import time

import keras
import numpy as np

from cpc_keras.config.detection_recipe import DetectionRecipe
from cpc_keras.config.fields import AUTO
from cpc_keras.config.files import first_names
from cpc_keras.detection.anchors import sizes_for
from cpc_keras.detection.average_precision import voc_scores
from cpc_keras.detection.backbones import copied
from cpc_keras.detection.coco import coco_scores
from cpc_keras.detection.data.augmentation import short_side_of
from cpc_keras.detection.data.boxed_images import BoxedImages, open_boxed_images, open_test_images
from cpc_keras.detection.data.tiles import Tiles, cut_tiles
from cpc_keras.detection.faster_rcnn import FasterRCNN
from cpc_keras.detection.inference import find_objects, merge_tiles
from cpc_keras.detection.table import FORMER_FIELDS
from cpc_keras.detection.training import train_detector
from cpc_keras.errors import InputError, first_line
from cpc_keras.storage import digests, keras_files
from cpc_keras.storage.atomic import atomic_write
from cpc_keras.storage.names import file_name, written
from cpc_keras.storage.reading import check_kinds, note

BACKBONES = ("cpc", "cpc_frozen", "scratch", "untrained")
_OWN, _NEW, _FROZEN = ("cpc", "cpc_frozen"), ("scratch", "untrained"), ("cpc_frozen", "untrained")
# Fields of a recipe that do not change what a detector becomes; images and boxes are known by what they are.
_IRRELEVANT = ("data", "test", "classes", "fractions", "seeds", "backbones", "checkpoint_every", "max_bad_share")


@dataclasses.dataclass
class Transfer:
    """A detection recipe and its data, opened.

    Attributes:
        recipe: The resolved `DetectionRecipe`.
        train: `BoxedImages` to train on; tiles, where the recipe says so.
        test: `BoxedImages` to test on, whole.
        tiles: Tiles of `test`, or `None`.
    """

    recipe: DetectionRecipe
    train: BoxedImages
    test: BoxedImages
    tiles: Tiles | None

    @functools.cached_property
    def digest(self):
        """Of settings, images and boxes."""
        recipe = {name: value for name, value in dataclasses.asdict(self.recipe).items() if name not in _IRRELEVANT}
        recipe = first_names(recipe, DetectionRecipe)
        if isinstance(self.recipe.steps, tuple):
            recipe["fractions"] = self.recipe.fractions
        parts = [
            [part.images.fingerprint, [digests.of_array(array) for found in part.boxes for array in _arrays(found)]]
            for part in (self.train, self.test)
        ]
        return digests.of_json(recipe, self.test.class_names, parts)


def open_transfer(recipe, channels):
    """Opens a recipe's data, and settles what it left open.

    Args:
        recipe: A `DetectionRecipe`.
        channels: Channels that images are to have.

    Returns:
        A `Transfer`.

    Raises:
        InputError: As `open_boxed_images`, or if there is nothing to test on.
    """
    train = open_boxed_images(recipe.data, "train", recipe.classes or None, recipe.max_bad_share)
    names = recipe.classes or train.class_names
    test = open_test_images(recipe.data, names, recipe.test, recipe.max_bad_share)
    train, test = (part.prepared(channels, recipe.max_bad_share) for part in (train, test))
    shared = set(train.images.ids) & set(test.images.ids)
    if shared:
        raise InputError(
            f"`test` must show other images than `data`. Received: {len(shared)} that are in both, one of them "
            f"{min(shared)}"
        )
    if not sum(map(len, train.boxes)):
        raise InputError(f"`data` must hold at least one box to learn from. Received: {recipe.data} with none")
    tiles = None
    if recipe.tile is not None:
        train = cut_tiles(train, recipe.tile, recipe.tile_overlap).boxed
        tiles = cut_tiles(test, recipe.tile, recipe.tile_overlap)
    if recipe.anchor_sizes == AUTO:
        pairs = zip(train.boxes, train.images.sizes, strict=True)
        boxes = np.concatenate([_as_seen(found, size, recipe) for found, size in pairs])
        recipe = dataclasses.replace(recipe, anchor_sizes=sizes_for(boxes))
    return Transfer(recipe, train, test, tiles)


def _as_seen(found, size, recipe):
    """Boxes at the size at which a detector sees their image."""
    return found.boxes * (short_side_of(size, recipe.short_side, recipe.max_side) / min(size[:2]))


def _arrays(found):
    return found.boxes, found.classes, found.difficult


def backbone_label(name):
    """What a backbone is called: its own name, or that of its file."""
    return name if name in BACKBONES else written(pathlib.Path(name).stem)


class DetectorExperiment:
    """A detector on one backbone, trained on one subset.

    Args:
        transfer: A `Transfer`.
        name: One of `BACKBONES`, or the path of another backbone.
        backbone: The `keras.Model` itself, of which `"scratch"` takes the architecture.
        fraction: Share of the images that it is trained on.
        seed: Number of the subset.
        step: Step of the run's checkpoint.
    """

    def __init__(self, transfer, name, backbone, fraction, seed, step):
        self.transfer, self.name, self.backbone = transfer, name, backbone
        self.fraction, self.seed, self.step = fraction, seed, step
        train = transfer.train
        # Nested: what a smaller fraction shows, a larger one shows as well.
        order = np.random.default_rng([transfer.recipe.seed, seed]).permutation(len(train))
        self.chosen = np.sort(order[: max(1, round(fraction * len(train)))])
        self.steps = transfer.recipe.of_fraction("steps", fraction)

    @property
    def label(self):
        """The backbone's name, short for a path."""
        return backbone_label(self.name)

    @functools.cached_property
    def digest(self):
        """Of all that decides about the result."""
        start = self.backbone.to_json() if self.name in _NEW else digests.of_weights(self.backbone)
        return digests.of_json(self.transfer.digest, self.steps, self.fraction, self.seed, self.name, start)

    @property
    def key(self):
        """Its name among results and models."""
        return f"{file_name(self.label)}-{self.fraction:g}-seed{self.seed}-{self.digest[:8]}"

    def result(self, store, models, progress):
        """`(record, detections)`, computed unless it is there.

        Args:
            store: A `ResultStore`.
            models: Folder that the trained detector goes to.
            progress: A `NoProgress` or the like.
        """
        kept = store.load(self.key, self.digest)
        if kept is not None:
            return current(kept[0]), unpacked(kept[1])
        began = time.monotonic()
        detector, train = self._trained(models, progress)
        found = self._find(detector, progress)
        record = self._record(train, found, time.monotonic() - began)
        self._keep(detector, models)
        store.save(self.key, self.digest, record, **_packed(found))
        self._state(models).unlink(missing_ok=True)
        return record, found

    def detector(self, models, progress):
        """The trained detector; one whose file is gone or broken is trained again.

        Args:
            models: Folder that it went to.
            progress: A `NoProgress` or the like.

        Raises:
            InputError: If the file is whole, and cannot be read by this version of Keras.
        """
        file = self._file(models)
        try:
            return keras.models.load_model(file, safe_mode=False)  # it was written here
        except Exception as error:  # a damaged archive fails anywhere below
            broken = keras_files.damage(file) if file.is_file() else "it is gone"
            if not broken:
                raise InputError(
                    "The detector must be one that the installed Keras can read. "
                    f"Received: {file}, {keras_files.versions(file)} ({first_line(error)})"
                ) from error
        note(f"{file} cannot be read ({broken}); its detector is trained again.")
        detector, _ = self._trained(models, progress)
        self._keep(detector, models)
        self._state(models).unlink(missing_ok=True)
        return detector

    def _trained(self, models, progress):
        """`(detector, what it was trained on)`."""
        detector, train = self._build(), self.transfer.train.subset(self.chosen)
        progress.start(f"{self.label}, {self.fraction:.0%} of the images, subset {self.seed + 1}", self.steps)
        models.mkdir(parents=True, exist_ok=True)
        train_detector(detector, train, self.transfer.recipe, self.steps, self._state(models), progress)
        return detector, train

    def _keep(self, detector, models):
        with atomic_write(self._file(models)) as partial:
            detector.save(partial)

    def _file(self, models):
        return models / f"{self.key}.keras"

    def _state(self, models):
        """Where what a training needs to go on lies until its detector is kept."""
        return models / f".{self.key}.npz"

    def _build(self):
        recipe = self.transfer.recipe
        seed = recipe.seed + self.seed
        backbone = copied(self.backbone, recipe.precision, seed if self.name in _NEW else None)
        keras.utils.set_random_seed(seed)  # heads begin alike, whatever they stand on
        arguments = {**recipe.detector, "freeze_backbone": recipe.freeze_backbone or self.name in _FROZEN}
        precision = _policy(backbone) if recipe.precision == AUTO else recipe.precision
        return FasterRCNN(backbone, len(self.transfer.test.class_names), dtype=precision, **arguments)

    def _find(self, detector, progress):
        transfer, recipe = self.transfer, self.transfer.recipe
        looked_at = transfer.test if transfer.tiles is None else transfer.tiles.boxed
        progress.start("inference", len(looked_at))
        found = find_objects(detector, looked_at, recipe.short_side, recipe.max_side, recipe.batch_size, progress)
        if transfer.tiles is None:
            return found
        sizes, classes = transfer.test.images.sizes, len(transfer.test.class_names)
        return merge_tiles(transfer.tiles, found, sizes, classes, recipe.overlap_threshold)

    def _record(self, train, found, seconds):
        test = self.transfer.test
        mean, by_class = voc_scores(found, test.boxes, test.class_names)
        return {
            "backbone": self.label,
            "checkpoint": self.step if self.name in _OWN else None,
            "transfer": self.transfer.digest,
            "digest": self.digest,
            "fraction": self.fraction,
            "images": len(train),
            "boxes": sum(map(len, train.boxes)),
            "seed": self.seed,
            "steps": self.steps,
            "map_50": mean,
            "map_50_11_points": voc_scores(found, test.boxes, test.class_names, points="11")[0],
            "ap_50": by_class,
            "coco": coco_scores(found, test.boxes, test.class_names),
            "split": test.images.split,
            "seconds": round(seconds, 1),
        }


def _policy(backbone):
    """The dtype policy that most of a backbone's layers have."""
    names = [layer.dtype_policy.name for layer in backbone.layers if layer.weights]
    return max(set(names), key=names.count) if names else "float32"


def check_result(record, arrays):
    """Raises an error unless these are the record and the arrays of a `DetectorExperiment`."""
    record, counts = current(record), arrays["counts"]
    check_kinds(record, backbone=str, checkpoint=int | None, transfer=str, digest=str, seed=int, images=int, boxes=int)
    check_kinds(record, fraction=int | float, map_50=int | float, map_50_11_points=int | float, coco=dict)
    check_kinds(record["coco"], map=int | float)
    if not len(arrays["boxes"]) == len(arrays["scores"]) == len(arrays["classes"]) == counts.sum():
        raise ValueError("its arrays are not of the same detections")


def current(record):
    """A record under the present names of its fields."""
    return {FORMER_FIELDS.get(name, name): value for name, value in record.items()}


def _packed(found):
    """Detections of all images in arrays."""
    counts = np.array([len(one["scores"]) for one in found])
    return {"counts": counts, **{name: np.concatenate([one[name] for one in found]) for name in found[0]}}


def unpacked(arrays):
    """Detections of each image, from the arrays of a result."""
    ends = np.cumsum(arrays["counts"])[:-1]
    parts = {name: np.split(arrays[name], ends) for name in ("boxes", "scores", "classes")}
    return [dict(zip(parts, row, strict=True)) for row in zip(*parts.values(), strict=True)]

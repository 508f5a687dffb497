"""Frozen features on the disk, computed once for every fraction, seed and method."""

import functools
import pathlib
import secrets

import numpy as np

from cpc_keras.evaluation.features import USUAL_POOLINGS, extract, stored_names, with_joined
from cpc_keras.storage import digests
from cpc_keras.storage.atomic import atomic_write
from cpc_keras.storage.reading import readable

# Images whose features make one shard: what an interrupted extraction loses at most.
SHARD = 2048
# Files that are held open at most.
_OPEN = 256


class FeatureStore:
    """Features by image, in shards that appear whole and are mapped into memory.

    A shard that cannot be read is missing, and gives its place to the next one.

    Arrays are kept as they were computed: maps, the most of what a store weighs, as
    float16, poolings as float32. Rounded to float16, poolings of Fashion-MNIST changed
    2 to 24 of 10,000 predictions of linear probes and 1 to 6 of nearest neighbours,
    figures by up to 0.1 points.

    Args:
        folder: Where the shards of one encoder and one set of images go.
        compute: Function from a batch of images to a dictionary of arrays
            `[B, …]`, such as `EncoderFeatures`.
        images: An `ImageSet`.
        crop: Side of the centre crop in pixels.
        shard: Images a shard.
    """

    def __init__(self, folder, compute, images, crop, shard=SHARD):
        self.folder = folder
        self.compute = compute
        self.images = images
        self.crop = crop
        self.shard = shard
        self._shards: list[pathlib.Path] = []
        self._damaged: list[pathlib.Path] = []
        self._place = np.full((len(images), 2), -1)
        self._names: set[str] | None = None
        for path in sorted(self.folder.glob("shard-*")):
            positions = readable(path, self._positions)
            if positions is None:
                self._damaged.append(path)
            else:
                self._open(path, positions)

    def missing(self, positions):
        """Those of `positions` that no shard holds, sorted."""
        positions = np.unique(positions)
        return positions[self._place[positions, 0] < 0]

    def prepare(self, positions, progress=None):
        """Computes what is missing.

        Args:
            positions: Integer array, of images that `of` will be asked for.
            progress: Function called with the number of images done after each
                batch.
        """
        missing = self.missing(positions)
        for first in range(0, len(missing), self.shard):
            chosen = missing[first : first + self.shard]
            features = extract(self.compute, self.images.subset(chosen), self.crop, progress=progress)
            self._open(self._write(chosen, features), chosen)

    def of(self, positions, names=None):
        """Features of images that were prepared.

        Args:
            positions: Integer array `[N]`.
            names: Those to give; all if `None`.

        Returns:
            A dictionary from name to array `[N, …]`.

        Raises:
            ValueError: If an image was not prepared.
        """
        if len(missing := self.missing(positions)):
            raise ValueError(
                f"`positions` must be prepared. Received: {len(missing)} that are not, such as {missing[0]}"
            )
        shards, rows = self._place[positions].T
        found = {}
        for file in sorted(self._shards[shards[0] if len(shards) else 0].glob("*.npy")):
            if file.stem == "positions" or (names and file.stem not in names):
                continue
            example = _mapped(file)
            found[file.stem] = np.empty((len(rows), *example.shape[1:]), example.dtype)
            for number in np.unique(shards):
                here = shards == number
                found[file.stem][here] = _mapped(self._shards[number] / file.name)[rows[here]]
        return found

    def _positions(self, path):
        """Positions of a shard's images; raises an error unless it has features of each."""
        positions = np.load(path / "positions.npy")
        if positions.dtype.kind != "i" or not np.isin(positions, np.arange(len(self.images))).all():
            raise ValueError("positions.npy is not of these images")
        lengths = {file.stem: len(np.load(file, mmap_mode="r")) for file in path.glob("[!.]*.npy")}
        if set(lengths.values()) != {len(positions)} or len(lengths) == 1:
            raise ValueError(f"it has arrays of {lengths} images")
        names = self._names or set(lengths)
        if set(lengths) != names:
            raise ValueError(f"it has {', '.join(sorted(lengths))}, another shard {', '.join(sorted(names))}")
        self._names = names
        return positions

    def _open(self, path, positions):
        self._place[positions, 0] = len(self._shards)
        self._place[positions, 1] = np.arange(len(positions))
        self._shards.append(path)

    def _write(self, positions, features):
        # Several processes may write into a store; what two of them computed lies there twice.
        free = self.folder / f"shard-{len(self._shards):05d}-{secrets.token_hex(4)}"
        path = self._damaged.pop() if self._damaged else free
        with atomic_write(path) as partial:
            partial.mkdir()
            for name, values in {"positions": positions, **features}.items():
                np.save(partial / f"{name}.npy", values)
        return path


def usual_features(store, positions, progress):
    """Features of some images in the usual pooling, computed where they are missing.

    Args:
        store: A `FeatureStore` of a CPC encoder.
        positions: Integer array `[N]`.
        progress: As `cpc_keras.progress.NoProgress`.

    Returns:
        Float32 array `[N, D]`.
    """
    progress.start("features", len(store.missing(positions)))
    store.prepare(positions, progress.advance)
    pooling = USUAL_POOLINGS[0]
    return with_joined(store.of(positions, stored_names([pooling])))[pooling]


class FrozenFeatures:
    """Features of one frozen encoder for training and test images.

    Args:
        folder: Where they are kept.
        compute: Function from images to a dictionary of arrays `[B, …]`.
        digest: Names the encoder's state; with it goes the `VERSION` of `compute`, if it has one.
        data: A `LabelledImages`.
        crop: Side of the centre crop in pixels.
    """

    def __init__(self, folder, compute, digest, data, crop):
        self.digest = versioned(digest, compute)
        self.crop = crop
        self.train = open_store(folder, compute, digest, data.train, crop)
        self.test = self.train if data.test is None else open_store(folder, compute, digest, data.test, crop)
        self.pool = self.train if data.pool is None else open_store(folder, compute, digest, data.pool, crop)

    def prepare(self, splits, progress, train=True, unlabelled=True, test=True, pool=False):
        """Computes what these splits ask for.

        Args:
            splits: List of `Split`.
            progress: Object with `start(name, total)` and `advance(count)`.
            train: Whether features of the labelled images are asked for.
            unlabelled: Whether those of the unlabelled images are.
            test: Whether those of the test images are.
            pool: Whether those of the images to learn from without labels are.
        """
        asked: dict[FeatureStore, list[np.ndarray]] = {self.train: [], self.test: [], self.pool: []}
        for one in splits:
            asked[self.train] += [one.train] * train + [one.unlabelled] * unlabelled
            asked[self.test] += [one.test] * test
            asked[self.pool] += [one.pool] * pool
        needed = {store: np.unique(np.concatenate(lists)) for store, lists in asked.items() if lists}
        progress.start("features", sum(len(store.missing(positions)) for store, positions in needed.items()))
        for store, positions in needed.items():
            store.prepare(positions, progress.advance)


def versioned(digest, compute):
    """The digest of an encoder with the `VERSION` of what computes its features, if that has one."""
    version = getattr(compute, "VERSION", None)
    return digests.of_json(digest, version) if version else digest


def open_store(folder, compute, digest, images, crop):
    """The `FeatureStore` of an encoder and a set of images in a folder of such stores.

    Args:
        folder: Where stores are kept.
        compute: Function from images to a dictionary of arrays `[B, …]`.
        digest: Names the encoder's state.
        images: An `ImageSet`.
        crop: Side of the centre crop in pixels.
    """
    place = folder / f"{digests.of_json(versioned(digest, compute), crop)[:16]}-{images.fingerprint[:16]}"
    return FeatureStore(place, compute, images, crop)


@functools.lru_cache(maxsize=_OPEN)
def _mapped(path):
    return np.load(path, mmap_mode="r")

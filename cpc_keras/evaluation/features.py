"""Frozen features: several views of one image, computed once and kept."""

import os

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from cpc_keras.data.pipeline import encoding_batches

# What a probe may be put on; the labelled subset chooses among them.
VIEWS = ("mean", "grid2", "grid3", "map3", "grid3_map3")


def pool_grid(maps, cells):
    """Averages a map over `cells` × `cells` areas that cover it.

    Areas share a row or column where the map does not divide evenly.

    Args:
        maps: Float tensor `[B, h, w, D]`.
        cells: Areas a side.

    Returns:
        Float32 tensor `[B, cells · cells · D]`, areas in reading order.

    Example:

    >>> import numpy as np
    >>> maps = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    >>> np.asarray(pool_grid(maps, 2)).tolist()
    [[2.5, 4.5, 10.5, 12.5]]
    """
    maps = ops.cast(maps, "float32")
    height, width = ops.shape(maps)[1:3]
    rows, cols = (_areas(size, cells) for size in (height, width))
    pooled = [ops.mean(maps[:, a:b, c:d], axis=(1, 2)) for a, b in rows for c, d in cols]
    return ops.concatenate(pooled, axis=-1)


def _areas(size, cells):
    return [(i * size // cells, -(-(i + 1) * size // cells)) for i in range(cells)]


def pool_view(name, grid, whole):
    """One view of an image, see `VIEWS`.

    * `mean`, `grid2`, `grid3`: the patch grid averaged over 1, 2 × 2 and 3 × 3
      areas;
    * `map3`: the encoder's map of the whole image, without patches, averaged
      over 3 × 3 areas;
    * `grid3_map3`: both of these.

    Args:
        name: The view.
        grid: The patch grid `z`, `[B, rows, cols, D]`.
        whole: The unpatched map, `[B, h, w, D]`.

    Returns:
        Float32 tensor `[B, D_view]`.
    """
    if name == "grid3_map3":
        return ops.concatenate([pool_grid(grid, 3), pool_grid(whole, 3)], axis=-1)
    if name == "map3":
        return pool_grid(whole, 3)
    return pool_grid(grid, {"mean": 1, "grid2": 2, "grid3": 3}[name])


class EncoderViews:
    """All views of a frozen CPC encoder, see `pool_view`.

    Args:
        model: A `CPC` model.

    Call arguments:
        images: Float32 tensor `[B, H, W, C]`, values in `[0, 1]`.

    Returns:
        A dictionary from view to float32 array `[B, D_view]`.
    """

    def __init__(self, model):
        self.model = model
        self._compute = tf.function(self._views, reduce_retracing=True)

    def _views(self, images):
        grid = self.model.encode(images)
        whole = self.model.encoder(images, training=False)
        return {name: pool_view(name, grid, whole) for name in VIEWS}

    def __call__(self, images):
        return {name: view.numpy() for name, view in self._compute(images).items()}


class PixelViews:
    """Raw pixels, the floor that any encoder has to beat.

    Args:
        side: Images larger than this are averaged down to it, in pixels.

    Call arguments:
        images: As for `EncoderViews`.

    Returns:
        A dictionary with the one view `pixels`, float32 `[B, h · w · C]`.
    """

    def __init__(self, side=32):
        self.side = side

    def __call__(self, images):
        images = np.asarray(images)
        if max(images.shape[1:3]) > self.side:
            images = np.asarray(tf.image.resize(images, (self.side, self.side), method="area"))
        return {"pixels": images.reshape(len(images), -1)}


def extract(views, images, crop, batch_size=128, progress=None):
    """Computes every view of every image.

    Args:
        views: An `EncoderViews` or `PixelViews`.
        images: An `ImageSet`.
        crop: Side of the centre crop in pixels.
        batch_size: Images at a time.
        progress: Function called with the number of images done after each batch.

    Returns:
        A dictionary from view to float32 array `[N, D_view]`.
    """
    parts = []
    for batch in encoding_batches(images, batch_size, crop):
        parts.append(views(batch))
        if progress:
            progress(len(batch))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class FeatureStore:
    """Keeps features on the disk, so that no image is encoded twice.

    Args:
        folder: Where the files go, one for each encoder and split.
        crop: Side of the centre crop in pixels.
    """

    def __init__(self, folder, crop):
        self.folder = folder
        self.crop = crop

    def features(self, key, views, images, positions, progress=None):
        """Features of the images at `positions`, computed only where missing.

        Args:
            key: Names the encoder's state and the images; features of another
                key are never mixed in.
            views: Function from images to views.
            images: An `ImageSet`.
            positions: Integer array `[N]`.
            progress: As for `extract`.

        Returns:
            A dictionary from view to float32 array `[N, D_view]`.
        """
        positions = np.asarray(positions)
        path = self.folder / f"{key}.npz"
        known, stored = self._read(path)
        missing = np.setdiff1d(positions, known)
        if len(missing):
            new = extract(views, images.subset(missing), self.crop, progress=progress)
            known = np.concatenate([known, missing])
            stored = {name: np.concatenate([stored[name], new[name]]) if stored else new[name] for name in new}
            self._write(path, known, stored)
        place = {position: index for index, position in enumerate(known)}
        chosen = [place[position] for position in positions]
        return {name: values[chosen] for name, values in stored.items()}

    def _read(self, path):
        if not path.is_file():
            return np.array([], dtype="int64"), {}
        with np.load(path) as file:
            stored = {name: file[name] for name in file.files}
        return stored.pop("positions"), stored

    def _write(self, path, positions, stored):
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial.npz")
        np.savez(partial, positions=positions, **stored)
        os.replace(partial, path)


def weights_digest(model):
    """SHA-256 of a model's weights: the same for the same encoder, wherever saved."""
    import hashlib

    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.ascontiguousarray(keras.ops.convert_to_numpy(weight)).tobytes())
    return digest.hexdigest()

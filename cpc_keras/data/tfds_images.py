"""TensorFlow Datasets as image sets with random access."""

import contextlib
import dataclasses
import hashlib
import io
import logging
import os
import pathlib
import sys

import numpy as np
from PIL import Image

from cpc_keras.backend.resources import free_memory
from cpc_keras.data.image_set import ImageSet
from cpc_keras.data.tfrecord_index import TFRecordIndex
from cpc_keras.data.threads import map_in_pieces
from cpc_keras.errors import InputError, first_line
from cpc_keras.storage.atomic import atomic_write
from cpc_keras.storage.cache import cache_folder
from cpc_keras.storage.reading import readable

# A data set of equal images is read into memory at once up to this share.
_MEMORY_SHARE = 0.25
# Records that one thread looks at in a row, and how many make it worth a word to the user.
_CHUNK, _MANY = 1000, 50_000


def open_tfds(name, split, source, labelled_only=False):
    """Opens a split of a TFDS data set.

    `fashion_mnist` is read from local files where Debian's package
    `dataset-fashion-mnist` is installed and TFDS has not prepared its own.

    Args:
        name: `NAME` or `NAME/CONFIG`.
        split: A TFDS split, sub-splits such as `"train[:10%]"` included.
        source: The source string, for messages.
        labelled_only: Whether images without a label are left out where others have
            one.

    Returns:
        An `ImageSet`; labels of -1, as STL-10 has them, are none.

    Raises:
        InputError: If the data set or split is unknown, has no images, or
            cannot be prepared.
    """
    builder = prepared_builder(name, source)
    features = builder.info.features
    if "image" not in features:
        raise InputError(f"`data` must have a feature 'image'. Received: {source} with {list(features)}")
    # A FeaturesDict has no `get`.
    label = features["label"] if "label" in features else None  # noqa: SIM401
    class_names = tuple(getattr(label, "names", ())) or None
    try:
        count = builder.info.splits[split].num_examples
    except (KeyError, ValueError) as error:
        known = ", ".join(builder.info.splits)
        raise InputError(
            f"`data` must name a split out of {known}, or a part of one. Received: {source} ({split})"
        ) from error
    if not count:
        raise InputError(f"`data` must hold at least one image. Received: {source} ({split}) with none")
    shape = features["image"].shape
    budget = _MEMORY_SHARE * free_memory()
    in_memory = None not in shape and count * np.prod(shape) <= budget
    try:
        read, sizes, labels = _load(builder, split) if in_memory else _random_access(builder, split)
    except (OSError, ValueError, RuntimeError) as error:  # the last is ArrayRecord's
        reason = first_line(error)
        raise InputError(f"`data` must be whole on the disk. Received: {source} ({reason})") from error
    labelled = labels >= 0 if class_names and labels is not None else np.zeros(count, bool)
    images = ImageSet(
        name=source,
        split=split,
        ids=_ids(name, split, builder.info.splits),
        read=read,
        sizes=sizes,
        labels=labels if labelled.any() else None,
        class_names=class_names if labelled.any() else None,
        verified=True,
    )
    if labelled.all() or not labelled.any():
        return images
    if not labelled_only:
        return dataclasses.replace(images, labels=None, class_names=None)
    images = images.subset(np.flatnonzero(labelled))
    images.notes.append(f"Images without a label, which are left out: {np.count_nonzero(~labelled):,}.")
    return images


def _ids(name, split, splits):
    """A name for each image, the same in the whole split and in any part of it."""
    import tensorflow_datasets as tfds

    ids = []
    for part in tfds.core.ReadInstruction.from_spec(split).to_absolute(splits):
        first, stop, _ = slice(part.from_, part.to).indices(splits[part.splitname].num_examples)
        ids += [f"{name}/{part.splitname}/{index}" for index in range(first, stop)]
    return ids


def tfds_splits(name, source):
    """Names of the whole splits of a TFDS data set."""
    return tuple(sorted(prepared_builder(name, source).info.splits))


def prepared_builder(name, source):
    """The builder of a TFDS data set that lies on the disk.

    Args:
        name: `NAME` or `NAME/CONFIG`.
        source: The source string, for messages.

    Raises:
        InputError: If it is unknown, or cannot be prepared.
    """
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    with _quiet():
        try:
            return _prepared(name)
        except tfds.core.DatasetNotFoundError as error:
            raise InputError(
                f"`data` must name a data set that TensorFlow Datasets knows. Received: {source}"
            ) from error
        except Exception as error:  # TFDS passes on whatever a download raises
            hint = (
                "; install Debian's package dataset-fashion-mnist to have it without the network"
                if name in ("fashion_mnist", "garments")
                else ""
            )
            reason = first_line(error)
            raise InputError(
                f"`data` must be a data set that can be downloaded and prepared here{hint}. "
                f"Received: {source} ({reason})"
            ) from error


def _prepared(name):
    """The builder of a data set, which is prepared unless it is on the disk."""
    builder = _builder(name)
    try:
        builder.download_and_prepare()
    except Exception:
        if not _is_prepared(builder):
            raise
        # Another process was done with it first.
        builder = _builder(name)
        builder.download_and_prepare()
    return builder


def _builder(name):
    import tensorflow_datasets as tfds

    from cpc_keras.data.builders import fashion_mnist, garments

    builder = garments.Garments() if name == "garments" else tfds.builder(name)
    if name == "fashion_mnist" and not _is_prepared(builder) and fashion_mnist.folder():
        return fashion_mnist.FashionMnistIdx()
    return builder


def _is_prepared(builder):
    return os.path.isdir(builder.data_dir)


@contextlib.contextmanager
def _quiet():
    """Keeps TFDS' own log lines off the user's screen."""
    from absl import logging as absl_logging

    before = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.ERROR)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        absl_logging.set_verbosity(before)


def in_order():
    """Has TFDS read shard after shard; by itself it reads several in turn."""
    import tensorflow_datasets as tfds

    return tfds.ReadConfig(interleave_cycle_length=1)


def _load(builder, split):
    data = builder.as_dataset(split=split, batch_size=-1, shuffle_files=False, read_config=in_order())
    images = data["image"].numpy()
    sizes = np.tile(images.shape[1:], (len(images), 1))
    labels = data["label"].numpy().astype("int64") if "label" in data else None
    return images.__getitem__, sizes, labels


def _random_access(builder, split):
    """Random access to a data set on the disk, prepared as TFRecord (TFDS' default) or ArrayRecord."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    skip = {"image": tfds.decode.SkipDecoding()}
    if builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD:
        encoded = builder.as_data_source(split=split, decoders=skip)
        decoded = builder.as_data_source(split=split)
        sizes, labels = _survey(builder, split, len(encoded), encoded.__getitem__)
        return (lambda index: np.asarray(decoded[index]["image"])), sizes, labels
    parts = [(part.filename, part.skip, part.take) for part in builder.info.splits[split].file_instructions]
    records = TFRecordIndex(parts)

    def encoded_record(index):
        return features.deserialize_example_np(records[index], decoders=skip)

    sizes, labels = _survey(builder, split, len(records), encoded_record)
    return (lambda index: np.asarray(features.deserialize_example_np(records[index])["image"])), sizes, labels


def _survey(builder, split, count, encoded):
    """Sizes and labels of all records, from headers only; kept, since ImageNet's take minutes to read."""
    written = pathlib.Path(builder.data_dir, "dataset_info.json").stat().st_mtime_ns
    name = f"{builder.data_dir} {split} {count} {written}"
    kept = cache_folder() / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.npy"
    known = readable(kept, lambda file: _checked(np.load(file), count))
    if known is not None:
        return _columns(known)
    if count > _MANY:
        print(f"Reading the sizes of {count:,} images, once; they are kept in {kept}.", file=sys.stderr)

    def look(index):
        record = encoded(index)
        with Image.open(io.BytesIO(record["image"])) as image:
            channels = 1 if image.mode == "L" else 3
            return image.height, image.width, channels, record.get("label", -1)

    table = np.array(list(map_in_pieces(look, count, _CHUNK)), dtype="int64").reshape(-1, 4)
    # Without a cache, the next run reads them again.
    with contextlib.suppress(OSError), atomic_write(kept, shared=True) as partial:
        np.save(partial, table)
    return _columns(table)


def _checked(table, count):
    """The same table; raises an error unless it has heights, widths, channels and labels of so many images."""
    if table.dtype != "int64" or table.shape != (count, 4) or table[:, :3].min() < 1:
        raise ValueError(f"it holds {table.dtype} {table.shape} for {count} images")
    return table


def _columns(table):
    return table[:, :3], table[:, 3]

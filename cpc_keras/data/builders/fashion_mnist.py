"""Fashion-MNIST as a TFDS data set over IDX files that are already on the disk."""

import gzip
import os
import pathlib

import numpy as np
import tensorflow_datasets as tfds

# Where Debian's package `dataset-fashion-mnist` puts them.
DEFAULT_FOLDER = "/usr/share/datasets/fashion-mnist"
# Overrides the folder, for files that lie elsewhere.
FOLDER_VARIABLE = "CPC_KERAS_FASHION_MNIST"
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_PREFIXES = {"train": "train", "test": "t10k"}


def folder():
    """The folder that holds the IDX files, or `None` if they are not there."""
    path = pathlib.Path(os.environ.get(FOLDER_VARIABLE, DEFAULT_FOLDER))
    names = [f"{prefix}-{kind}-ubyte.gz" for prefix in _PREFIXES.values() for kind in ("images-idx3", "labels-idx1")]
    return path if all((path / name).is_file() for name in names) else None


def read_idx(path):
    """Reads a gzipped IDX file of unsigned bytes.

    Args:
        path: The file.

    Returns:
        A uint8 array of the shape that the file's header states.

    Raises:
        ValueError: If the file is not of that kind or not complete.

    Reference:
        The IDX format: two zero bytes, the type (8 for unsigned bytes), the
        number of axes, each axis as a big-endian int32, then the values.
    """
    with gzip.open(path) as file:
        content = file.read()
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"`path` must be an IDX file of unsigned bytes. Received: {path}")
    axes = content[3]
    shape = np.frombuffer(content, ">i4", count=axes, offset=4)
    values = np.frombuffer(content, "uint8", offset=4 + 4 * axes)
    if values.size != shape.prod():
        raise ValueError(
            f"`path` must hold {shape.prod()} values as its header says. Received: {path} with {values.size}"
        )
    return values.reshape(shape)


def images_and_labels(split):
    """Uint8 `[N, 28, 28]` and labels `[N]` of a split; without the IDX files, those that TFDS downloads."""
    if folder() is None:
        data = tfds.load("fashion_mnist", split=split, batch_size=-1)
        return data["image"].numpy()[..., 0], data["label"].numpy()
    prefix = _PREFIXES[split]
    return tuple(read_idx(folder() / f"{prefix}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))


class FashionMnistIdx(tfds.core.GeneratorBasedBuilder):
    """70,000 grey product photographs of 28 × 28 px in ten balanced classes.

    The same images, labels and splits as TFDS' own `fashion_mnist`, read from
    local files so that nothing is downloaded.
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return self.dataset_info_from_configs(
            description="Fashion-MNIST (Xiao et al. 2017, arXiv 1708.07747) from local IDX files.",
            homepage="https://github.com/zalandoresearch/fashion-mnist",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(28, 28, 1)),
                    "label": tfds.features.ClassLabel(names=list(CLASS_NAMES)),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager):
        del dl_manager  # nothing is downloaded
        return {split: self._generate_examples(split) for split in _PREFIXES}

    def _generate_examples(self, split):
        images, labels = images_and_labels(split)
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield index, {"image": image[..., None], "label": int(label)}

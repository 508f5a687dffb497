"""A TFDS data set of JPEG photographs of mixed sizes, as ImageNet is, for `test_tfds_images`."""

import io

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image
from sklearn.datasets import load_sample_images

COUNTS = {"train": 20, "validation": 6, "unlabelled": 4}


def pictures(split):
    """`(array, label)` of each example, cut out of real photographs."""
    rng = np.random.default_rng(len(split))
    for index in range(COUNTS[split]):
        height, width = rng.integers(40, 90, 2)
        piece = load_sample_images().images[index % 2][index : index + height, index : index + width]
        yield piece, -1 if split == "unlabelled" else index % 2


def jpeg(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "JPEG", quality=95)
    return file.getvalue()


class WildPhotographs(tfds.core.GeneratorBasedBuilder):
    """Pieces of photographs in two classes."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        image = tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg")
        label = tfds.features.ClassLabel(names=["china", "flower"])
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict({"image": image, "label": label}))

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in COUNTS}

    def _generate_examples(self, split):
        for index, (array, label) in enumerate(pictures(split)):
            yield index, {"image": io.BytesIO(jpeg(array)), "label": label}

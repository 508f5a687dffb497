"""TensorFlow Datasets with boxes."""

import numpy as np

from cpc_keras.data.tfds_images import in_order, open_tfds, prepared_builder
from cpc_keras.detection.data.boxes import make_boxes
from cpc_keras.errors import InputError

# Data sets whose boxes, as VOC's, count pixels from 1 and name the last one inside.
_FROM_ONE = ("voc",)


def open_tfds_boxes(name, split, source):
    """Opens a split of a TFDS data set with boxes.

    The data set has a feature `objects` with `bbox` and `label`, and perhaps
    `is_difficult` or `is_crowd`, as `voc/2007`, `voc/2012` and `coco/2017` have.
    `garments` is composed here, from Fashion-MNIST.

    Args:
        name: `NAME` or `NAME/CONFIG`.
        split: A TFDS split, sub-splits included.
        source: The source string, for messages.

    Returns:
        `(images, boxes, class_names)`: an `ImageSet`, a `Boxes` for each image, and
        names by class.

    Raises:
        InputError: As `open_tfds`, or if there are no such objects.
    """
    import tensorflow_datasets as tfds

    builder = prepared_builder(name, source)
    features = builder.info.features
    objects = features["objects"].feature if "objects" in features else {}
    if "bbox" not in objects or "label" not in objects:
        raise InputError(
            f"`data` must have `objects` with `bbox` and `label`. Received: {source} with {list(features)}"
        )
    images = open_tfds(name, split, source)
    skip = {"image": tfds.decode.SkipDecoding()}
    hard = next((flag for flag in ("is_difficult", "is_crowd") if flag in objects), None)
    boxes = []
    examples = builder.as_dataset(split=images.split, decoders=skip, shuffle_files=False, read_config=in_order())
    for size, example in zip(images.sizes, examples.as_numpy_iterator(), strict=True):
        found = example["objects"]
        top, left, bottom, right = np.moveaxis(found["bbox"].reshape(-1, 4), -1, 0)
        sides = [left * size[1], top * size[0], right * size[1], bottom * size[0]]
        if name.partition("/")[0] in _FROM_ONE:
            sides[:2] = [side - 1 for side in sides[:2]]
        boxes.append(make_boxes(np.round(np.stack(sides, axis=-1), 3), found["label"], found[hard] if hard else None))
    return images, boxes, tuple(objects["label"].names)

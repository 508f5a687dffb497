"""Batches of images with boxes, as `tf.data`."""

import numpy as np
import tensorflow as tf

from cpc_keras.data.image_set import convert, to_float
from cpc_keras.data.pipeline import mapped, steps_per_epoch, untuned
from cpc_keras.data.python_calls import counted
from cpc_keras.errors import InputError

# Keeps the streams of random numbers for order, sizes and mirroring apart.
_ORDER, _SIZE, _MIRROR = 0, 1, 2
# Classes of what fills up, and of objects that count neither way.
_NONE, _DIFFICULT = -1, -2


def boxed_batches(
    boxed,
    batch_size,
    seed,
    short_side=None,
    scales=(1.0,),
    max_side=None,
    flip=False,
    turn=False,
    start_step=0,
    steps=None,
    worker=0,
    workers=1,
    replicas=1,
):
    """Batches of images and boxes in an order that depends on `seed` and the step alone.

    Args:
        boxed: A `BoxedImages` of one number of channels.
        batch_size: Images a batch, `B`; images of one batch are padded with zeros
            below and to the right to the largest of them. A norm over a whole map sees
            these zeros: images of many sizes are better learnt from one by one.
        seed: Whole number.
        short_side: Length in pixels to which the short side is resized; `None`
            takes it as it is.
        scales: Factors on it, of which each step draws one.
        max_side: Length that the long side is held to, or `None`.
        flip: Whether half the images are mirrored left to right.
        turn: Whether images are turned by a number of right angles that each step
            draws, which suits those without an up, such as aerial ones.
        start_step: Step of the first batch.
        steps: Step after the last batch; `None` goes on without end.
        worker: As for `cpc_keras.data.training_batches`.
        workers: Likewise.
        replicas: Likewise.

    Returns:
        A `tf.data.Dataset` of `(images, labels)`: float32 `[b, H, W, C]` in `[0, 1]`,
        and a dictionary of `"boxes"`, float32 `[b, M, 4]`, left, top, right and
        bottom in pixels; `"classes"`, int32 `[b, M]`, -1 for what fills up and -2 for
        objects that are marked difficult; and `"sizes"`, float32 `[b, 2]`, heights and widths without padding. `b` is
        `B / workers / replicas`.

    Raises:
        InputError: If there are fewer images than `batch_size`.
    """
    count = len(boxed)
    if batch_size > count:
        raise InputError(
            f"`batch_size` must not exceed the number of images, {count}. Received: batch_size={batch_size}"
        )
    most = max(1, *map(len, boxed.boxes))
    sides = _fixed_sides(boxed, (short_side, max_side, scales) == (None, None, (1.0,)), turn)
    epoch_length, share = steps_per_epoch(count, batch_size) * batch_size, batch_size // workers

    def load(number):
        place = number // share * batch_size + worker * share + number % share
        epoch, slot = place // epoch_length, place % epoch_length
        order = tf.stack([tf.constant(3 * seed + _ORDER, tf.int64), epoch])
        position = tf.random.experimental.index_shuffle(slot, seed=order, max_index=count - 1)

        def make(position, place):
            # Sizes are drawn for the step, so that equal images stay equal and need no padding.
            of_step, of_image = (
                np.random.default_rng([seed, stream, int(number)]).random(2)
                for stream, number in ((_SIZE, place // batch_size), (_MIRROR, place))
            )
            scale = scales[int(of_step[0] * len(scales))]
            turns = int(of_step[1] * 4) if turn else 0
            mirror = flip and of_image[0] < 0.5
            return _example(boxed, int(position), most, short_side, scale, max_side, mirror, turns)

        kinds = (tf.float32, tf.float32, tf.int32, tf.float32)
        image, boxes, classes, size = tf.numpy_function(counted(make), [position, place], kinds, stateful=False)
        image.set_shape((*sides, int(boxed.images.sizes[0, 2])))
        boxes.set_shape((most, 4))
        classes.set_shape((most,))
        size.set_shape((2,))
        return image, {"boxes": boxes, "classes": classes, "sizes": size}

    stop = np.iinfo("int64").max if steps is None else steps * share
    dataset = mapped(tf.data.Dataset.range(start_step * share, stop), load)
    return untuned(dataset.padded_batch(share // replicas, drop_remainder=True))


def _fixed_sides(boxed, as_they_are, turn):
    """Height and width of every image, where they are known beforehand."""
    sides = {tuple(size[:2]) for size in boxed.images.sizes.tolist()}
    if not as_they_are or len(sides) > 1:
        return None, None
    ((height, width),) = sides
    return (None, None) if turn and height != width else (height, width)


def _example(boxed, position, most, short_side, scale, max_side, mirror, turns):
    """One image with its boxes, changed."""
    image, found = boxed.images.read(position), boxed.boxes[position]
    image, factors = resized(image, round((short_side or min(image.shape[:2])) * scale), max_side)
    boxes = found.boxes * factors
    if mirror:
        image, boxes = mirrored(image, boxes)
    for _ in range(turns):
        image, boxes = quarter_turned(image, boxes)
    padded = np.zeros((most, 4), "float32")
    padded[: len(boxes)] = boxes
    classes = np.full(most, _NONE, "int32")
    classes[: len(boxes)] = np.where(found.difficult, _DIFFICULT, found.classes)
    return to_float(image), padded, classes, np.array(image.shape[:2], "float32")


def resized(image, short_side, max_side=None):
    """An image whose short side is `short_side` pixels, or less if the long one would exceed `max_side`.

    Args:
        image: Array `[H, W, C]`, uint8 or uint16.
        short_side: Pixels, or `None` for its own.
        max_side: Pixels, or `None`.

    Returns:
        `(image, scale)`: what boxes are to be multiplied by is a float32 array `[4]`.

    Example:

    >>> image, scale = resized(np.zeros((50, 100, 3), "uint8"), 60, max_side=100)
    >>> image.shape, scale.tolist()
    ((50, 100, 3), [1.0, 1.0, 1.0, 1.0])
    """
    before = image.shape
    short_side = min(before[:2]) if short_side is None else short_side
    if max_side is not None:
        short_side = min(short_side, max(1, int(max_side * min(before[:2]) / max(before[:2]))))
    image = convert(image, image.shape[2], short_side)
    height, width = (image.shape[axis] / before[axis] for axis in (0, 1))
    return image, np.array([width, height, width, height], "float32")


def mirrored(image, boxes):
    """An image and its boxes, left to right.

    Example:

    >>> mirrored(np.zeros((5, 10, 1)), np.array([[1.0, 2.0, 4.0, 5.0]]))[1].tolist()
    [[6.0, 2.0, 9.0, 5.0]]
    """
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    width = image.shape[1]
    return np.ascontiguousarray(image[:, ::-1]), np.stack([width - right, top, width - left, bottom], axis=-1)


def quarter_turned(image, boxes):
    """An image and its boxes, turned counterclockwise by a right angle.

    Example:

    >>> quarter_turned(np.zeros((5, 10, 1)), np.array([[1.0, 2.0, 4.0, 5.0]]))[1].tolist()
    [[2.0, 6.0, 5.0, 9.0]]
    """
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    width = image.shape[1]
    return np.ascontiguousarray(np.rot90(image)), np.stack([top, width - right, bottom, width - left], axis=-1)

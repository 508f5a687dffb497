"""Batches of images with boxes, as `tf.data`."""

import numpy as np
import tensorflow as tf

from cpc_keras.data.image_set import to_float
from cpc_keras.data.pipeline import Order, mapped, untuned
from cpc_keras.data.python_calls import counted
from cpc_keras.detection.data.augmentation import COLOR_DRAWS, color_jittered, mirrored, quarter_turned, resized
from cpc_keras.detection.data.boxes import DIFFICULT, FILLS_UP

# Keeps the streams of random numbers for a step's size and an image's mirroring and colours apart; the order's is 0.
_STEP, _IMAGE = 1, 2


def boxed_batches(
    boxed,
    batch_size,
    seed,
    short_side=None,
    scales=(1.0,),
    max_side=None,
    flip=False,
    turn=False,
    color_jitter=0.0,
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
            these zeros: images of many sizes are better trained on one by one.
        seed: Whole number.
        short_side: Length in pixels to which the short side is resized; `None`
            takes it as it is.
        scales: Factors on it, of which each step draws one.
        max_side: Length that the long side is held to, or `None`.
        flip: Whether half the images are mirrored left to right.
        turn: Whether images are turned by a number of right angles that each step
            draws, which suits those without an up, such as aerial ones.
        color_jitter: How much the colours of each image are changed, see
            `cpc_keras.detection.data.augmentation.color_jittered`.
        start_step: Step of the first batch.
        steps: Step after the last batch; `None` goes on without end.
        worker: Which of several workers this is, each of which reads its part of every
            batch; the parts in their order are the batch.
        workers: How many there are.
        replicas: Into how many batches in a row a worker's part is cut.

    Returns:
        A `tf.data.Dataset` of `(images, labels)`: float32 `[b, H, W, C]` in `[0, 1]`,
        and a dictionary of `"boxes"`, float32 `[b, M, 4]`, left, top, right and
        bottom in pixels; `"classes"`, int32 `[b, M]`, -1 for what fills up and -2 for
        objects that are marked difficult; and `"sizes"`, float32 `[b, 2]`, heights and
        widths without padding. `b` is `B / workers / replicas`.

    Raises:
        InputError: If there are fewer images than `batch_size`.
    """
    order = Order(len(boxed), batch_size, seed, worker, workers)
    most = max(1, *map(len, boxed.boxes))
    sides = _fixed_sides(boxed, (short_side, max_side, scales) == (None, None, (1.0,)), turn)

    def load(number):
        position, place = order.of(number)

        def make(position, place):
            # Sizes are drawn for the step, so that equal images stay equal and need no padding.
            of_step, of_image = (
                np.random.default_rng([seed, stream, int(number)]).random(2 + COLOR_DRAWS)
                for stream, number in ((_STEP, place // batch_size), (_IMAGE, place))
            )
            scale = scales[int(of_step[0] * len(scales))]
            turns = int(of_step[1] * 4) if turn else 0
            mirror = flip and of_image[0] < 0.5
            image, *labels = _example(boxed, int(position), most, short_side, scale, max_side, mirror, turns)
            if color_jitter:
                image = color_jittered(image, color_jitter, of_image[2:])
            return image, *labels

        kinds = (tf.float32, tf.float32, tf.int32, tf.float32)
        image, boxes, classes, size = tf.numpy_function(counted(make), [position, place], kinds, stateful=False)
        image.set_shape((*sides, int(boxed.images.sizes[0, 2])))
        boxes.set_shape((most, 4))
        classes.set_shape((most,))
        size.set_shape((2,))
        return image, {"boxes": boxes, "classes": classes, "sizes": size}

    dataset = mapped(order.numbers(start_step, steps), load)
    return untuned(dataset.padded_batch(order.share // replicas, drop_remainder=True))


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
    classes = np.full(most, FILLS_UP, "int32")
    classes[: len(boxes)] = np.where(found.difficult, DIFFICULT, found.classes)
    return to_float(image), padded, classes, np.array(image.shape[:2], "float32")

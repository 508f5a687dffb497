"""Batches of images for training and for encoding, as `tf.data`."""

import numpy as np
import tensorflow as tf

from cpc_keras.backend.resources import processors
from cpc_keras.data.image_set import to_float
from cpc_keras.data.python_calls import counted
from cpc_keras.errors import InputError

# Keeps the streams of random numbers for order, crops and flips apart.
_ORDER, _CROP, _FLIP = 0, 1, 2
# Batches made before they are asked for.
_AHEAD = 4


def training_batches(
    images, batch_size, crop, seed, flip=False, pad=0, start_step=0, steps=None, worker=0, workers=1, replicas=1
):
    """Batches in an order that depends on `seed` and the step alone.

    Which images a step sees, and how each is cropped, is a pure function of
    `(seed, step)`: a run started at step 1000 sees from there on exactly what an
    uninterrupted one does, and getting there costs nothing. Every epoch is a
    new permutation; what does not fill a batch at its end waits for the next.

    Args:
        images: An `ImageSet` whose images have at least `crop` pixels a side and
            the same number of channels.
        batch_size: Images a batch, `B`.
        crop: Side of the random square crop, in pixels.
        seed: Whole number.
        flip: Whether half the images are mirrored left to right.
        pad: Pixels of zeros put around an image before it is cropped.
        start_step: Step of the first batch.
        steps: Step after the last batch; `None` goes on without end.
        worker: Which of several workers this is, each of which reads its part of
            every batch; the parts in their order are the batch.
        workers: How many there are.
        replicas: Into how many batches in a row a worker's part is cut.

    Returns:
        A `tf.data.Dataset` of `(images, positions)`: float32
        `[b, crop, crop, C]` in `[0, 1]`, and int64 `[b]`, the images' positions
        in the set. `b` is `B / workers / replicas`.

    Raises:
        InputError: If there are fewer images than `batch_size`, or an image is
            smaller than `crop`.
    """
    order = Order(len(images), batch_size, seed, worker, workers)
    _check_crop(images, crop, pad)

    def load(number):
        position, place = order.of(number)
        image = _read(images, position)
        if pad:
            image = tf.pad(image, ((pad, pad), (pad, pad), (0, 0)))
        draw = _seed_pair(seed, _CROP, place)
        image = tf.image.stateless_random_crop(image, (crop, crop, image.shape[-1]), seed=draw)
        if flip:
            image = tf.image.stateless_random_flip_left_right(image, seed=_seed_pair(seed, _FLIP, place))
        return image, position

    return untuned(mapped(order.numbers(start_step, steps), load).batch(order.share // replicas, drop_remainder=True))


class Order:
    """Which image stands where in a run: a function of the seed and the step alone.

    Every epoch is a new permutation; what does not fill a batch at its end waits
    for the next.

    Args:
        count: Number of images.
        batch_size: Images a batch.
        seed: Whole number.
        worker: Which of several workers this is.
        workers: How many there are.

    Attributes:
        share: Images of a batch that this worker reads.

    Raises:
        InputError: If there are fewer images than `batch_size`.
    """

    def __init__(self, count, batch_size, seed, worker=0, workers=1):
        if batch_size > count:
            raise InputError(
                f"`batch_size` must not exceed the number of images, {count}. Received: batch_size={batch_size}"
            )
        self.count, self.batch_size, self.seed, self.worker = count, batch_size, seed, worker
        self.share = batch_size // workers

    def numbers(self, start_step, steps):
        """What this worker counts its images by, from a step on to before another, or without end."""
        stop = np.iinfo("int64").max if steps is None else steps * self.share
        return tf.data.Dataset.range(start_step * self.share, stop)

    def of(self, number):
        """`(position, place)`: the image's position in the set, and its place in the whole run."""
        place = number // self.share * self.batch_size + self.worker * self.share + number % self.share
        epoch_length = steps_per_epoch(self.count, self.batch_size) * self.batch_size
        epoch, slot = place // epoch_length, place % epoch_length
        seed = _seed_pair(self.seed, _ORDER, epoch)
        return tf.random.experimental.index_shuffle(slot, seed=seed, max_index=self.count - 1), place


def _seed_pair(seed, stream, place):
    return tf.stack([tf.constant(3 * seed + stream, tf.int64), place])


def steps_per_epoch(count, batch_size):
    """Whole batches in `count` images."""
    return count // batch_size


def encoding_batches(images, batch_size, crop):
    """Every image once, in order, centre-cropped.

    Args:
        images: An `ImageSet` whose images have at least `crop` pixels a side and the
            same number of channels.
        batch_size: Images a batch; the last may have fewer.
        crop: Side of the centre crop, in pixels.

    Returns:
        A `tf.data.Dataset` of float32 `[B, crop, crop, C]` in `[0, 1]`.

    Raises:
        InputError: If an image is smaller than `crop`.
    """
    _check_crop(images, crop)

    def load(position):
        image = _read(images, position)
        top, left = ((tf.shape(image)[axis] - crop) // 2 for axis in (0, 1))
        image = image[top : top + crop, left : left + crop]
        image.set_shape((crop, crop, image.shape[-1]))
        return image

    dataset = tf.data.Dataset.range(len(images))
    return untuned(mapped(dataset, load).batch(batch_size))


def mapped(dataset, load):
    """What `load` makes of each element, on all cores, in order."""
    return dataset.map(load, num_parallel_calls=processors(), deterministic=True)


def untuned(dataset):
    """A few batches ahead, without tf.data's tuner.

    Its thread looks at the pipeline after 10, 20, 40, … ms, and an iterator that
    goes away waits for it: a training of 3.7 s took 5.1.

    Args:
        dataset: A `tf.data.Dataset` of batches.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(_AHEAD).with_options(options)


def _read(images, position):
    read = counted(lambda index: to_float(images.read(int(index))))
    image = tf.numpy_function(read, [position], tf.float32, stateful=False)
    image.set_shape((None, None, int(images.sizes[0, 2])))
    return image


def _check_crop(images, crop, pad=0):
    sides = images.sizes[:, :2].min(axis=1) + 2 * pad
    if sides.min() < crop:
        smallest = int(sides.argmin())
        height, width = images.sizes[smallest, :2]
        raise InputError(
            f"`crop` must not exceed the smallest image, {images.ids[smallest]} with {height} × {width} px "
            f"(`short_side` resizes). Received: crop={crop}"
        )

"""The resizing of `cpc_keras.data.resize.convert` in TensorFlow operations, to the last bit.

Pillow's bicubic filter widens with the factor by which an image shrinks, and runs along rows and columns in turn.
Images of 8 bits go through integers: where they shrink by twice `REDUCING_GAP` or more, blocks of pixels are averaged
first; weights have 22 bits; each pass ends in whole numbers. Images of 16 bits go through floating-point numbers.
"""

import tensorflow as tf

REDUCING_GAP = 3.0
_WEIGHT_BITS = 22
# Pixels on either side that the filter looks at where nothing shrinks.
_SUPPORT = 2.0


def resize_short_side(pixels, short_side, deep):
    """Resizes an image so that its shorter side has a given length.

    Args:
        pixels: Int32 tensor `[H, W, C]`.
        short_side: Pixels.
        deep: Boolean tensor: whether the image has 16 bits, or 8.

    Returns:
        Int32 tensor `[h, w, C]`.
    """
    sides = tf.cast(tf.shape(pixels)[:2], tf.float64)
    scale = tf.cast(short_side, tf.float64) / tf.reduce_min(sides)
    goal = tf.cast(tf.round(sides * scale), tf.int32)
    blocks = tf.maximum(tf.cast(sides / tf.cast(goal, tf.float64) / REDUCING_GAP, tf.int32), 1)
    blocks = tf.where(deep, 1, blocks)
    pixels = tf.cond(tf.reduce_any(blocks > 1), lambda: _block_means(pixels, blocks), lambda: pixels)
    # The last block may reach beyond the image; where the image ends, Pillow keeps in single precision.
    ends = tf.cast(tf.cast(sides / tf.cast(blocks, tf.float64), tf.float32), tf.float64)
    # Rows come first, unless twice as many lines go as columns: so Pillow has the least to do.
    lines, columns = tf.unstack(tf.shape(pixels)[:2] - goal)
    order = tf.where(lines > tf.maximum(2 * columns, 0), (1, 0), (0, 1))
    turned = tf.concat([order, [2]], axis=0)
    pixels, goal, ends = tf.transpose(pixels, turned), tf.gather(goal, order), tf.gather(ends, order)
    pixels = tf.cond(deep, lambda: _of_16_bits(pixels, goal, ends), lambda: _of_8_bits(pixels, goal, ends))
    return tf.transpose(pixels, turned)


def _of_8_bits(pixels, goal, ends):
    for axis in (1, 0):
        weights = _weights(tf.shape(pixels)[axis], goal[axis], ends[axis])
        half = tf.where(weights.values < 0, tf.constant(-0.5, tf.float64), 0.5)
        fixed = weights.with_values(tf.cast(weights.values * 2.0**_WEIGHT_BITS + half, tf.int32))
        sums = _weighted(fixed, pixels, axis) + 2 ** (_WEIGHT_BITS - 1)
        pixels = tf.clip_by_value(tf.bitwise.right_shift(sums, _WEIGHT_BITS), 0, 255)
    return pixels


def _of_16_bits(pixels, goal, ends):
    values = tf.cast(pixels, tf.float32)
    for axis in (1, 0):
        weights = _weights(tf.shape(values)[axis], goal[axis], ends[axis])
        values = tf.cast(_weighted(weights, tf.cast(values, tf.float64), axis), tf.float32)
    return tf.cast(tf.clip_by_value(tf.round(values), 0, 65535), tf.int32)


def _block_means(pixels, blocks):
    """Means over blocks of so many rows and columns; those at the end may have fewer."""
    counts = []
    for axis in (0, 1):
        size, block = tf.shape(pixels)[axis], blocks[axis]
        number = -(-size // block)
        padding = [(0, number * block - size if axis == padded else 0) for padded in range(3)]
        shape = tf.shape(pixels)
        shape = tf.concat([shape[:axis], [number, block], shape[axis + 1 :]], axis=0)
        pixels = tf.reduce_sum(tf.reshape(tf.pad(pixels, padding), shape), axis=axis + 1)
        counts.append(tf.minimum(block, size - block * tf.range(number)))
    pixels_a_block = counts[0][:, None, None] * counts[1][:, None]
    # Pillow divides by a product and a shift, with a factor that was rounded down from single precision.
    factor = tf.cast(tf.constant(2.0**24) / tf.cast(pixels_a_block, tf.float32), tf.int64)
    sums = tf.cast(pixels + pixels_a_block // 2, tf.int64)
    return tf.cast(tf.bitwise.right_shift(sums * factor, tf.constant(24, tf.int64)), tf.int32)


def _weights(size, goal, end):
    """Sparse float64 `[goal, size]`: what each pixel of a line weighs in each of the new line, which ends at `end`."""
    size, goal = tf.cast(size, tf.int64), tf.cast(goal, tf.int64)
    scale = end / tf.cast(goal, tf.float64)
    spread = tf.maximum(scale, 1.0)
    centers = (tf.cast(tf.range(goal), tf.float64) + 0.5) * scale
    first = tf.maximum(tf.cast(centers - _SUPPORT * spread + 0.5, tf.int64), 0)
    after = tf.minimum(tf.cast(centers + _SUPPORT * spread + 0.5, tf.int64), size)
    places = first[:, None] + tf.range(2 * tf.cast(tf.math.ceil(_SUPPORT * spread), tf.int64) + 1)
    distances = tf.abs((tf.cast(places, tf.float64) - centers[:, None] + 0.5) * (1.0 / spread))
    values = tf.where(places < after[:, None], _bicubic(distances), 0.0)
    values /= tf.reduce_sum(values, axis=1, keepdims=True)
    rows = tf.broadcast_to(tf.range(goal)[:, None], tf.shape(places))
    indices = tf.stack([tf.reshape(rows, [-1]), tf.reshape(tf.minimum(places, size - 1), [-1])], axis=1)
    return tf.SparseTensor(indices, tf.reshape(values, [-1]), [goal, size])


def _bicubic(distance):
    """Keys' cubic convolution with a = -0.5."""
    near = (1.5 * distance - 2.5) * distance * distance + 1.0
    far = (((distance - 5.0) * distance + 8.0) * distance - 4.0) * -0.5
    return tf.where(distance < 1.0, near, tf.where(distance < 2.0, far, 0.0))


def _weighted(weights, pixels, axis):
    """Every line along an axis of `[H, W, C]`, weighted."""
    if axis == 1:
        return tf.transpose(_weighted(weights, tf.transpose(pixels, (1, 0, 2)), 0), (1, 0, 2))
    height, width, channels = tf.unstack(tf.shape(pixels))
    lines = tf.sparse.sparse_dense_matmul(weights, tf.reshape(pixels, [height, width * channels]))
    return tf.reshape(lines, [tf.shape(lines)[0], width, channels])

"""Images as people have them become the crops that an exported encoder takes, as `cpc-keras predict` prepares them."""

import tensorflow as tf

from cpc_keras.export.decoding import decode
from cpc_keras.export.resizing import resize_short_side

# What signatures of whole images take, by the ending of their name.
FORMS = {"": "float32 images", "_uint8": "uint8 images", "_encoded": "encoded images"}
_SPECS = {
    "": tf.TensorSpec(None, tf.float32, "images"),
    "_uint8": tf.TensorSpec(None, tf.uint8, "images"),
    "_encoded": tf.TensorSpec(None, tf.string, "encoded"),
}
# Brightness as ITU-R 601 has it, in the integers of Pillow's `convert("L")`, of 16 bits.
_LUMA = (19595, 38470, 7471)
# There are many small operations, and decoders that no other device has.
_DEVICE = "CPU:0"
# Interpolation overshoots [0, 1] by less; other ranges reach far beyond.
_OVERSHOOT = 0.1
# By how much a multiple of 1 / 255 may be off, in units of 1 / 255.
_ROUNDING = 1e-3


class WholeImages:
    """Prepares images of any size: the short side resized, the middle cut out, channels converted, values in [0, 1].

    Args:
        channels: That a crop has.
        crop: Its side in pixels.
        short_side: Pixels to which the shorter side is resized; `None` leaves sizes as they are.
    """

    def __init__(self, channels, crop, short_side):
        self.channels, self.crop, self.short_side = channels, crop, short_side
        self.accepted = (1, 3) if channels in (1, 3) else (channels,)
        # Traced once, for all that use it.
        specs = [tf.TensorSpec((None, None, None, None), tf.int32), tf.TensorSpec((), tf.bool)]
        self._crops = tf.function(self._crops_of, autograph=False, input_signature=specs)
        prepare = {"": self.from_float, "_uint8": self.from_uint8, "_encoded": self.from_encoded}
        if channels not in (1, 3):
            del prepare["_encoded"]  # no file has as many
        self._prepare = {form: _traced(function, form) for form, function in prepare.items()}

    def signatures(self, name, compute):
        """What a function makes of whole images, as a dictionary of `tf.function`.

        * `NAME`: of `images`, see `from_float`;
        * `NAME_uint8`: of `images`, see `from_uint8`;
        * `NAME_encoded`: of `encoded`, see `from_encoded`, for crops of one or three
          channels.

        Args:
            name: Of the first.
            compute: Function from crops, float32 `[B, crop, crop, channels]`, to a
                dictionary.
        """

        def after(prepare):
            return lambda given: compute(prepare(given))

        return {name + form: _traced(after(prepare), form) for form, prepare in self._prepare.items()}

    def from_float(self, images):
        """Crops of float32 `[B, H, W, C]` in `[0, 1]`.

        An image whose values are multiples of 1 / 255 counts as one of 8 bits, any
        other as one of 16. Images that have the shape of a crop count as crops that
        are ready.
        """

        def prepared(image):
            values = tf.clip_by_value(image, 0.0, 1.0)
            of_8_bits = values * 255.0
            deep = tf.reduce_any(tf.abs(of_8_bits - tf.round(of_8_bits)) > _ROUNDING)
            return tf.cast(tf.round(tf.where(deep, values * 65535.0, of_8_bits)), tf.int32), deep

        images = self._checked(images)
        lowest, highest = tf.reduce_min(images), tf.reduce_max(images)
        within = (lowest >= -_OVERSHOOT) & (highest <= 1 + _OVERSHOOT) | (tf.size(images) == 0)
        told = "float32 `images` must hold values in [0, 1]. Received: from"
        images = _behind(images, within, told, lowest, "to", highest)
        ready = tf.reduce_all(tf.shape(images)[1:] == (self.crop, self.crop, self.channels))
        return tf.cond(ready, lambda: images, lambda: self._mapped(prepared, images))

    def from_uint8(self, images):
        """Crops of uint8 `[B, H, W, C]`."""
        with tf.device(_DEVICE):
            return self._crops(tf.cast(self._checked(images), tf.int32), tf.constant(False))

    def from_encoded(self, encoded):
        """Crops of strings `[B]`, the bytes of JPEG, PNG, GIF or BMP files."""
        told = "`encoded` must be [B], a string for each image. Received: shape"
        encoded = _behind(encoded, tf.rank(encoded) == 1, told, tf.shape(encoded))
        encoded.set_shape((None,))
        return self._mapped(decode, encoded)

    def _checked(self, images):
        shape = tf.shape(images)
        told = "`images` must be [B, H, W, C], a batch of images. Received: shape"
        images = _behind(images, tf.rank(images) == 4, told, shape)
        images.set_shape((None, None, None, None))
        told = f"`images` must have {' or '.join(map(str, self.accepted))} channels. Received: shape"
        return _behind(images, tf.reduce_any(tf.shape(images)[-1] == self.accepted), told, shape)

    def _mapped(self, prepared, images):
        """Crops of one image after another, each of which a function turns into `(pixels, deep)`."""

        def crop(image):
            pixels, deep = prepared(image)
            return self._crops(pixels[None], deep)[0]

        with tf.device(_DEVICE):
            like = tf.TensorSpec((self.crop, self.crop, self.channels), tf.float32)
            return tf.map_fn(crop, images, fn_output_signature=like)

    def _crops_of(self, pixels, deep):
        """Of int32 `[B, H, W, C]`, of 16 bits if `deep` and else of 8."""
        if self.channels == 1:
            pixels = tf.cond(tf.shape(pixels)[-1] == 3, lambda: _gray(pixels), lambda: pixels)
        if self.short_side is not None:
            pixels = self._resized(_of_size(pixels, 1), deep)
        pixels = _of_size(pixels, self.crop)
        top, left = tf.unstack((tf.shape(pixels)[1:3] - self.crop) // 2)
        pixels = tf.cast(pixels[:, top : top + self.crop, left : left + self.crop], tf.float32)
        values = pixels / tf.where(deep, 65535.0, 255.0)
        return tf.broadcast_to(values, (tf.shape(pixels)[0], self.crop, self.crop, self.channels))

    def _resized(self, pixels, deep):
        batch, height, width, channels = tf.unstack(tf.shape(pixels))
        side_by_side = tf.reshape(tf.transpose(pixels, (1, 2, 0, 3)), (height, width, batch * channels))
        resized = resize_short_side(side_by_side, self.short_side, deep)
        height, width, _ = tf.unstack(tf.shape(resized))
        return tf.transpose(tf.reshape(resized, (height, width, batch, channels)), (2, 0, 1, 3))


def _traced(function, form):
    return tf.function(function, autograph=False, input_signature=[_SPECS[form]])


def _behind(tensor, condition, *told):
    """The tensor, behind an assertion."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [*told])]):
        return tf.identity(tensor)


def _of_size(images, least):
    sides = tf.shape(images)[1:3]
    told = f"images must be at least {least} px high and wide. Received: height and width"
    return _behind(images, tf.reduce_min(sides) >= least, told, sides)


def _gray(pixels):
    sums = tf.reduce_sum(tf.cast(pixels, tf.int64) * _LUMA, axis=-1, keepdims=True)
    return tf.cast(tf.bitwise.right_shift(sums + 2**15, tf.constant(16, tf.int64)), tf.int32)

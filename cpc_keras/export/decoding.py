"""JPEG, PNG, GIF and BMP files, decoded by TensorFlow operations as `cpc_keras.data` reads them.

The EXIF orientation of JPEG and PNG is applied, transparency of PNG is laid over white, gray PNG of 16 bits keeps them.
"""

import tensorflow as tf

_JPEG, _PNG, _GIF, _BMP = b"\xff\xd8", b"\x89PNG", b"GIF8", b"BM"
_APP1, _START_OF_SCAN = 0xFFE1, 0xFFDA
_EXIF_OF_JPEG = b"Exif\0\0"
_EXIF_OF_PNG, _TRANSPARENCY, _PIXELS = (int.from_bytes(name, "big") for name in (b"eXIf", b"tRNS", b"IDAT"))
_ORIENTATION = 0x0112
_SHORT, _LONG = 3, 4


def decode(encoded):
    """Decodes one file.

    Args:
        encoded: String tensor `[]`, the bytes of the file.

    Returns:
        `(pixels, deep)`: int32 `[H, W, C]` with one channel or three, and a boolean
        tensor: whether it has 16 bits, or 8.
    """
    kinds = (_JPEG, _PNG, _GIF, _BMP)
    known = tf.stack([tf.strings.substr(encoded, 0, len(kind)) == kind for kind in kinds])
    told = "`encoded` must hold the bytes of JPEG, PNG, GIF or BMP files. Received: bytes that begin with"
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_any(known), [told, tf.strings.substr(encoded, 0, 8)])]):
        encoded = tf.identity(encoded)
    data = _Bytes(encoded)
    decoders = (_decode_jpeg, _decode_png, _decode_gif, _decode_bmp)
    branches = [lambda decoder=decoder: decoder(encoded, data) for decoder in decoders]
    pixels, deep = tf.switch_case(tf.argmax(tf.cast(known, tf.int32), output_type=tf.int32), branches)
    return tf.ensure_shape(pixels, (None, None, None)), deep


class _Bytes:
    """Whole numbers in a string of bytes; behind its end there are zeros.

    Args:
        string: String tensor `[]`.
    """

    def __init__(self, string):
        self._values = tf.io.decode_raw(tf.strings.join([string, b"\0"]), tf.uint8)
        self.size = tf.size(self._values, tf.int64) - 1

    def number(self, place, count=1, little=False):
        """That of `count` bytes from a place on, a tensor of int64 of any shape; the lowest byte first if `little`."""
        places = tf.convert_to_tensor(place, tf.int64)[..., None] + tf.range(count, dtype=tf.int64)
        found = tf.cast(tf.gather(self._values, tf.clip_by_value(places, 0, self.size)), tf.int64)
        powers = tf.constant([256**index for index in range(count)], tf.int64)
        return tf.reduce_sum(found * tf.where(little, powers, powers[::-1]), axis=-1)


def _decode_jpeg(encoded, data):
    pixels = tf.io.decode_jpeg(encoded, dct_method="INTEGER_ACCURATE")
    exif = _place_of_exif_in_jpeg(encoded, data)
    return _turned(tf.cast(pixels, tf.int32), _orientation(data, exif)), tf.constant(False)


def _decode_png(encoded, data):
    depth, kind = data.number(24), data.number(25)
    exif, transparency = _places_in_png(data)
    deep = (depth == 16) & (kind == 0)
    gray, has_alpha = (kind == 0) | (kind == 4), (kind == 4) | (kind == 6) | (transparency > 0)

    def opaque():
        return tf.cast(tf.io.decode_png(encoded), tf.int32)

    def over_white():
        pixels = _over_white(tf.cast(tf.io.decode_png(encoded, channels=4), tf.int32))
        return tf.cond(gray, lambda: pixels[..., :1], lambda: pixels)

    def of_8_bits():
        return tf.cond(has_alpha, over_white, opaque)

    def of_16_bits():
        return tf.cast(tf.io.decode_png(encoded, channels=1, dtype=tf.uint16), tf.int32)

    return _turned(tf.cond(deep, of_16_bits, of_8_bits), _orientation(data, exif)), deep


def _decode_gif(encoded, data):
    del data
    pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return tf.cast(pixels, tf.int32), tf.constant(False)


def _decode_bmp(encoded, data):
    pixels = tf.cast(tf.io.decode_bmp(encoded), tf.int32)
    palette = 14 + data.number(14, 4, little=True)

    def colors():
        """Of three bytes each, blue first, and one that is not used."""
        entries = palette + 4 * tf.cast(pixels, tf.int64)
        return tf.concat([tf.cast(data.number(entries + index), tf.int32) for index in (2, 1, 0)], axis=-1)

    return tf.cond(tf.shape(pixels)[-1] == 1, colors, lambda: pixels[..., :3]), tf.constant(False)


def _over_white(pixels):
    """`[H, W, 4]` as `[H, W, 3]`, with the integers of Pillow's `alpha_composite`."""
    own = 128 * pixels[..., 3:]
    sums = pixels[..., :3] * own + 255 * (255 * 128 - own) + 128 * 128
    return tf.bitwise.right_shift(tf.bitwise.right_shift(sums, 8) + sums, 8 + 7)


def _turned(pixels, orientation):
    """The picture upright; orientations are those of EXIF, 1 to 8."""
    transposed = tf.cond(orientation >= 5, lambda: tf.transpose(pixels, (1, 0, 2)), lambda: pixels)
    upside_down = tf.reduce_any(orientation == tf.constant([3, 4, 7, 8], tf.int64))
    mirrored = tf.reduce_any(orientation == tf.constant([2, 3, 6, 7], tf.int64))
    return transposed[:: tf.where(upside_down, -1, 1), :: tf.where(mirrored, -1, 1)]


def _orientation(data, exif):
    """What the EXIF block at a place says, 1 to 8; 1 where it says nothing that is known, or there is none."""
    little = data.number(exif) == ord("I")
    directory = exif + data.number(exif + 4, 4, little)
    entries = directory + 2 + 12 * tf.range(data.number(directory, 2, little))
    kind = data.number(entries + 2, 2, little)
    one = (data.number(entries, 2, little) == _ORIENTATION) & (data.number(entries + 4, 4, little) == 1)
    short, long = data.number(entries + 8, 2, little), data.number(entries + 8, 4, little)
    value = tf.where(kind == _SHORT, short, tf.where(kind == _LONG, long, 0))
    told = tf.reduce_sum(tf.where(one, value, 0))
    return tf.where((exif > 0) & (told >= 1) & (told <= 8), told, 1)


def _place_of_exif_in_jpeg(encoded, data):
    """Where its header stands; 0 if there is none before the pixels."""

    def looking(place, found):
        marker = data.number(place, 2)
        return (found == 0) & (marker > 0xFF00) & (marker != _START_OF_SCAN) & (place < data.size)

    def look(place, found):
        name = tf.strings.substr(encoded, tf.minimum(place + 4, data.size), len(_EXIF_OF_JPEG))
        is_exif = (data.number(place, 2) == _APP1) & (name == _EXIF_OF_JPEG)
        return place + 2 + data.number(place + 2, 2), tf.where(is_exif, place + 10, found)

    _, found = tf.while_loop(looking, look, (tf.constant(2, tf.int64), tf.constant(0, tf.int64)))
    return found


def _places_in_png(data):
    """Where the chunks of EXIF and of transparency have their content; 0 if there is none before the pixels."""

    def looking(place, exif, transparency):
        del exif, transparency
        return (data.number(place + 4, 4) != _PIXELS) & (place < data.size)

    def look(place, exif, transparency):
        name = data.number(place + 4, 4)
        exif = tf.where(name == _EXIF_OF_PNG, place + 8, exif)
        transparency = tf.where(name == _TRANSPARENCY, place + 8, transparency)
        return place + 12 + data.number(place, 4), exif, transparency

    nothing = tf.constant(0, tf.int64)
    _, exif, transparency = tf.while_loop(looking, look, (tf.constant(8, tf.int64), nothing, nothing))
    return exif, transparency

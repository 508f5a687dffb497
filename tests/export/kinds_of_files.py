"""Photographs in every kind of file that TensorFlow decodes, as cameras and programs write them."""

import struct
import zlib

import numpy as np
from PIL import Image


def write_kinds(picture, folder):
    """Writes a picture, uint8 `[H, W, 3]`, once as each kind, turned ones among them; returns their paths by name."""
    image = Image.fromarray(picture)
    gray = image.convert("L")
    height, width = picture.shape[:2]
    alpha = Image.fromarray(np.tile(np.linspace(0, 255, width).round().astype("uint8"), (height, 1)))
    veiled, veiled_gray = image.copy(), gray.copy()
    veiled.putalpha(alpha)
    veiled_gray.putalpha(alpha)
    deep = np.asarray(gray, "uint16") * 200 + np.arange(width, dtype="uint16")
    kinds = {
        "rgb.jpg": (image, {"quality": 90}),
        "progressive.jpg": (image, {"progressive": True, "subsampling": 0}),
        "gray.jpg": (gray, {}),
        "rgb.png": (image, {}),
        "gray.png": (gray, {}),
        "bits.png": (gray.convert("1"), {}),
        "palette.png": (image.quantize(12), {}),
        "veiled.png": (veiled, {}),
        "veiled_gray.png": (veiled_gray, {}),
        "veiled_palette.png": (image.quantize(12), {"transparency": 3}),
        "gray_with_a_transparent_one.png": (gray, {"transparency": int(gray.getpixel((0, 0)))}),
        "deep.png": (Image.fromarray(deep), {}),
        "rgb.bmp": (image, {}),
        "gray.bmp": (gray, {}),
        "palette.bmp": (image.quantize(64), {}),
        "palette.gif": (image.quantize(64), {}),
        "gray.gif": (gray, {}),
    }
    for orientation in range(1, 9):
        kinds[f"turned{orientation}.jpg"] = (image, {"exif": exif_block(orientation, "<" if orientation % 2 else ">")})
    kinds["turned.png"] = (image, {"exif": exif_block(6, ">")[6:]})
    kinds["odd.jpg"] = (image, {"exif": exif_block(9, "<")})
    paths = {name: folder / name for name in kinds}
    for name, (picture_of_kind, options) in kinds.items():
        picture_of_kind.save(paths[name], **options)
    paths["deep_rgb.png"] = folder / "deep_rgb.png"
    paths["deep_rgb.png"].write_bytes(deep_png(picture))
    return paths


def exif_block(orientation, order):
    """EXIF with another tag and an orientation, in one order of bytes or the other."""
    directory = struct.pack(f"{order}HHHIIHHIHH", 2, 0x010F, 2, 2, 0x4100, 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8) + directory + bytes(4)


def deep_png(picture):
    """A PNG of three channels of 16 bits, which Pillow reads but does not write."""
    height, width = picture.shape[:2]
    values = (picture.astype("uint32") * 256 + 255 - picture).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in (*chunks, (b"IEND", b"")))


def _chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

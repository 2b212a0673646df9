"""Encodes PNG files fast: each row as its difference to the one above, where Pillow tries all filters for each row.

Maps take a third of Pillow's time at the same compression level, drawings half of it; the sizes are about the same.
"""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

from mmoneformer_deploy.result_files import marked_png

SIGNATURE = b'\x89PNG\r\n\x1a\n'
COLOR_TYPES = {'L': 0, 'RGB': 2, 'RGBX': 2, 'P': 3}  # by mode of Pillow
UP = 2  # the filter
LEVEL = 1  # zlib's default takes longer than the rest of a prediction
STRIP = 128  # rows that are filtered together: of a huge map, no copy is made


def encode_png(image: Image.Image) -> bytes:
    """Encode an image as a PNG that is marked as a result; the fourth channel of 'RGBX' is left out."""
    if image.mode not in COLOR_TYPES:
        buffer = BytesIO()
        image.save(buffer, 'PNG', compress_level=LEVEL)
        return marked_png(buffer.getvalue())
    header = struct.pack('>IIBBBBB', image.width, image.height, 8, COLOR_TYPES[image.mode], 0, 0, 0)
    palette = bytes(image.getpalette() or ()) if image.mode == 'P' else b''
    chunks = [(b'IHDR', header), (b'PLTE', palette), (b'IDAT', _compress(image)), (b'IEND', b'')]
    return marked_png(SIGNATURE + b''.join(_chunk(*chunk) for chunk in chunks if chunk != (b'PLTE', b'')))


def _compress(image: Image.Image) -> bytes:
    """Filter and compress the rows of an image."""
    compressor, parts = zlib.compressobj(LEVEL), []
    above = np.zeros((1, 1), np.uint8)
    for top in range(0, image.height, STRIP):
        pixels = np.asarray(image.crop((0, top, image.width, min(top + STRIP, image.height))))
        rows = (pixels[..., :3] if pixels.ndim == 3 else pixels).reshape(len(pixels), -1)
        filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
        filtered[:, 0] = UP
        np.subtract(rows[:1], above, out=filtered[:1, 1:])
        np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
        parts.append(compressor.compress(filtered.data))
        above = rows[-1:]
    return b''.join([*parts, compressor.flush()])


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', checksum)

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
COLOR_TYPES = {'L': 0, 'RGB': 2, 'P': 3}  # by mode of Pillow
UP = 2  # the filter
LEVEL = 1  # zlib's default takes longer than the rest of a prediction


def encode_png(image: Image.Image) -> bytes:
    """Encode an image as a PNG that is marked as a result."""
    if image.mode not in COLOR_TYPES:
        buffer = BytesIO()
        image.save(buffer, 'PNG', compress_level=LEVEL)
        return marked_png(buffer.getvalue())
    header = struct.pack('>IIBBBBB', image.width, image.height, 8, COLOR_TYPES[image.mode], 0, 0, 0)
    palette = bytes(image.getpalette() or ()) if image.mode == 'P' else b''
    chunks = [(b'IHDR', header), (b'PLTE', palette), (b'IDAT', _compress(np.asarray(image))), (b'IEND', b'')]
    return marked_png(SIGNATURE + b''.join(_chunk(*chunk) for chunk in chunks if chunk != (b'PLTE', b'')))


def _compress(pixels: np.ndarray) -> bytes:
    """Filter and compress the rows of an image, uint8 [H, W] or [H, W, 3]."""
    rows = pixels.reshape(len(pixels), -1)
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return zlib.compress(filtered.tobytes(), LEVEL)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', checksum)
